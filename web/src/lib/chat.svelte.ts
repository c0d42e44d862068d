import { api, type ConversationChange } from './api';
import { Completion, type Turn } from './completion';
import { withFiles, type Attachment } from './files';
import { preferences, t } from './preferences.svelte';
import { Tree } from './tree';
import type { ChatSettings, Conversation, Meta, Node, Summary } from './types';

/** How often an answer in the making is saved, in milliseconds. */
const SAVE_EVERY = 5000;

/** An answer in the making. */
interface Run {
  seq: number;
  completion: Completion;
  /** Text that was there before: an answer being continued. */
  before: string;
  started: number;
  /** When the first piece of the answer came. */
  answering: number | null;
  hurried: boolean;
}

/** A conversation on the screen. It is made on the server when the first question is sent. */
export class Chat {
  id = $state<string | null>(null);
  title = $state('');
  settings = $state<ChatSettings>({});
  nodes = $state<Record<number, Node>>({});
  leaf = $state<number | null>(null);
  run = $state.raw<Run | null>(null);
  /** Whether the thinking is over and the answer comes. */
  answering = $state(false);
  /** Counts what has come of an answer in the making, so that views of its attempts are drawn anew. */
  pieces = $state(0);
  /** Something went wrong that no message can carry. */
  error = $state('');

  tree = $derived(new Tree(Object.values(this.nodes)));
  path = $derived(this.tree.path(this.leaf));
  /** Tokens of the context that the last exchange filled. */
  context = $derived.by(() => {
    const usage = this.path.findLast((node) => node.meta.usage)?.meta.usage;
    return usage ? usage.prompt_tokens + usage.completion_tokens - usage.reasoning_tokens : 0;
  });

  /** `changed` is called when the list of conversations should show something new. */
  constructor(
    conversation: Conversation | null,
    private changed: (summary: Summary | null) => void,
  ) {
    if (conversation) {
      this.id = conversation.summary.id;
      this.title = conversation.summary.title;
      this.settings = conversation.settings;
      for (const node of conversation.messages) this.nodes[node.seq] = node;
      this.leaf = conversation.leaf;
    } else {
      this.settings = { ...preferences.last };
    }
  }

  /** Changes how the conversation is held, from the next question on. */
  async set(change: Partial<ChatSettings>) {
    Object.assign(this.settings, change);
    const { model, effort, seconds } = this.settings;
    preferences.last = { model, effort, seconds };
    await this.save({ settings: $state.snapshot(this.settings) });
  }

  /** Asks a new question at the end of the conversation. */
  async ask(question: string, files: Attachment[]) {
    const content = withFiles(question, files);
    const meta: Meta = files.length
      ? { typed: question.length, files: files.map(({ name, size }) => ({ name, size })) }
      : {};
    await this.guard(async () => {
      if (!this.id) {
        const made = await api.create($state.snapshot(this.settings));
        this.id = made.summary.id;
      }
      const asked = await this.add({ parent: this.leaf, role: 'user', content, meta });
      await this.answer(asked.seq, {});
    });
  }

  /** Asks an edited question beside the old one. Its files stay. */
  async edit(node: Node, question: string) {
    const typed = node.meta.typed ?? node.content.length;
    const content = question + node.content.slice(typed);
    const meta: Meta = node.meta.files ? { files: $state.snapshot(node.meta.files), typed: question.length } : {};
    await this.guard(async () => {
      const asked = await this.add({ parent: node.parent, role: 'user', content, meta });
      await this.answer(asked.seq, {});
    });
  }

  /** Answers the question before `node` again, perhaps with another effort. */
  async again(node: Node, settings: Partial<ChatSettings>) {
    if (node.parent !== null) await this.guard(() => this.answer(node.parent!, settings));
  }

  /** Lets the model go on where an answer was cut off. */
  async continue(node: Node) {
    await this.guard(() => this.generate(node, $state.snapshot(this.settings), node.content));
  }

  async show(node: Node) {
    this.leaf = this.tree.newestLeaf(node.seq);
    await this.save({ leaf: this.leaf });
  }

  async stop() {
    await this.run?.completion.stop();
  }

  async answerNow() {
    if (!this.run || this.run.hurried) return;
    this.run = { ...this.run, hurried: true };
    await this.guard(this.run.completion.answerNow);
  }

  /** Saves what there is of an answer in the making, when the page goes away. */
  leave() {
    if (this.run && this.id) api.updateLast(this.id, this.run.seq, this.change(this.run.seq));
  }

  private async answer(question: number, settings: Partial<ChatSettings>) {
    const used = { ...$state.snapshot(this.settings), ...settings };
    const node = await this.add({ parent: question, role: 'assistant', content: '', meta: { finish: 'running' } });
    await this.generate(node, used, '');
  }

  private async generate(node: Node, settings: ChatSettings, before: string) {
    const turns = this.turns(node, before);
    const completion = new Completion();
    const run: Run = {
      seq: node.seq,
      completion,
      before,
      started: performance.now(),
      answering: null,
      hurried: false,
    };
    this.run = run;
    this.answering = false;
    const target = this.nodes[node.seq]!;
    target.meta = { ...target.meta, finish: 'running', error: undefined, effort: settings.effort, seconds: settings.seconds };
    let saved = performance.now();
    let frame = 0;
    const show = () => {
      frame = 0;
      this.take(target, run);
      this.pieces += 1;
    };
    try {
      await completion.run(turns, settings, () => {
        if (completion.progress.content && run.answering === null) {
          run.answering = performance.now();
          this.answering = true;
        }
        frame ||= requestAnimationFrame(show);
        if (performance.now() - saved > SAVE_EVERY) {
          saved = performance.now();
          void this.store(node.seq);
        }
      });
      target.meta.finish = completion.progress.finish ?? 'stop';
    } catch (error) {
      target.meta.finish = completion.aborted ? 'cancelled' : 'failed';
      if (!completion.aborted) target.meta.error = error instanceof Error ? error.message : String(error);
    } finally {
      cancelAnimationFrame(frame);
      this.take(target, run);
      target.meta.wall_ms = performance.now() - run.started;
      this.run = null;
      await this.store(node.seq);
    }
  }

  /** The messages the model is to answer or, with `before`, to go on with. */
  private turns(node: Node, before: string): Turn[] {
    const turns: Turn[] = this.tree
      .path(node.parent)
      .filter((n) => n.content && n.meta.finish !== 'failed')
      .map(({ role, content }) => ({ role, content }));
    if (before) turns.push({ role: 'assistant', content: before }, { role: 'user', content: t('continuePrompt') });
    return turns;
  }

  /** Puts what has come into the message. */
  private take(node: Node, run: Run) {
    const p = run.completion.progress;
    node.content = run.before + p.content;
    node.thinking = p.thinking || null;
    node.run = p.run ?? node.run;
    const meta = node.meta;
    meta.model = p.model ?? meta.model;
    meta.usage = p.usage ?? meta.usage;
    meta.samples = p.samples ?? meta.samples;
    meta.confidence = p.confidence ?? meta.confidence;
    meta.share = p.share ?? meta.share;
    const thoughtUntil = run.answering ?? performance.now();
    if (p.thinking) meta.think_ms = thoughtUntil - run.started;
  }

  private async add(message: Pick<Node, 'parent' | 'role' | 'content'> & { meta: Meta }): Promise<Node> {
    const node = await api.add(this.id!, message);
    this.nodes[node.seq] = node;
    this.leaf = node.seq;
    if (!this.title && message.role === 'user') {
      this.title = message.content.replace(/\s+/g, ' ').slice(0, 80);
      this.changed(null);
    }
    return node;
  }

  private change(seq: number) {
    const { content, thinking, run, meta } = $state.snapshot(this.nodes[seq]!);
    return { content, thinking, run, meta: meta as Meta };
  }

  private async store(seq: number) {
    await this.guard(() => api.update(this.id!, seq, this.change(seq)));
  }

  private async save(change: ConversationChange) {
    if (this.id) await this.guard(async () => this.changed(await api.change(this.id!, change)));
  }

  private async guard(action: () => Promise<void>) {
    this.error = '';
    try {
      await action();
    } catch (error) {
      this.error = error instanceof Error ? error.message : String(error);
    }
  }
}
