import type { Attempt } from './trace';

/** Where things are drawn, in SVG units. */
export interface Drawing {
  width: number;
  height: number;
  root: { x: number; y: number };
  points: { attempt: Attempt; x: number; y: number }[];
  edges: { key: string; to: number; d: string }[];
}

/** Nodes side by side before a level is broken into another row. */
const ROW = 16;
const STEP = 24;
const LEVEL = 44;
const MARGIN = 16;

/** Lays attempts out in levels: an attempt is one level below the deepest attempt that it was made from. */
export function layout(attempts: Attempt[]): Drawing {
  const level = new Map<number, number>();
  for (const { trial, parents } of attempts) {
    level.set(trial, Math.max(0, ...parents.map((p) => (level.get(p) ?? 0) + 1)));
  }
  const rows: Attempt[][] = [];
  for (const depth of [...new Set(level.values())].sort((a, b) => a - b)) {
    const all = attempts.filter((a) => level.get(a.trial) === depth);
    for (let i = 0; i < all.length; i += ROW) rows.push(all.slice(i, i + ROW));
  }
  const widest = Math.max(...rows.map((row) => row.length), 8);
  const width = widest * STEP + 2 * MARGIN;
  const root = { x: width / 2, y: MARGIN };
  const points = rows.flatMap((row, r) =>
    row.map((attempt, i) => ({
      attempt,
      x: width / 2 + (i - (row.length - 1) / 2) * STEP,
      y: MARGIN + (r + 1) * LEVEL,
    })),
  );
  const at = new Map(points.map((point) => [point.attempt.trial, point]));
  const edges = points.flatMap(({ attempt, x, y }) => {
    const from = attempt.parents.length ? attempt.parents.map((p) => at.get(p) ?? root) : [root];
    return from.map((p, i) => ({
      key: `${attempt.trial}-${i}`,
      to: attempt.trial,
      d: `M${p.x} ${p.y} C${p.x} ${(p.y + y) / 2} ${x} ${(p.y + y) / 2} ${x} ${y}`,
    }));
  });
  return { width, height: MARGIN * 2 + rows.length * LEVEL, root, points, edges };
}
