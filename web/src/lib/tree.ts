import type { Node } from './types';

/** The messages of a conversation as a tree: editing a question or asking again adds a branch beside the old one. */
export class Tree {
  private children = new Map<number | null, Node[]>();
  private bySeq = new Map<number, Node>();

  constructor(nodes: Iterable<Node>) {
    for (const node of nodes) {
      this.bySeq.set(node.seq, node);
      const siblings = this.children.get(node.parent);
      if (siblings) siblings.push(node);
      else this.children.set(node.parent, [node]);
    }
    for (const siblings of this.children.values()) siblings.sort((a, b) => a.seq - b.seq);
  }

  /** The messages from the beginning to `leaf`, in order. */
  path(leaf: number | null): Node[] {
    const path: Node[] = [];
    let node = leaf === null ? undefined : this.bySeq.get(leaf);
    while (node && path.length <= this.bySeq.size) {
      path.push(node);
      node = node.parent === null ? undefined : this.bySeq.get(node.parent);
    }
    return path.reverse();
  }

  /** The messages that stand at the same place as `node`, oldest first. */
  siblings(node: Node): Node[] {
    return this.children.get(node.parent) ?? [node];
  }

  /** The last message of the newest branch that goes through `seq`. */
  newestLeaf(seq: number): number {
    for (;;) {
      const next = this.children.get(seq)?.at(-1);
      if (!next || next.seq <= seq) return seq;
      seq = next.seq;
    }
  }
}
