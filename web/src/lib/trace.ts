/** What the attempts panel shows, made from the events of a trace (`strawberry_core::TraceEvent`). */

export interface Attempt {
  trial: number;
  /** `running` until it was sampled. */
  state: 'running' | 'done' | 'failed';
  text: string;
  thinking: string;
  answer: string | null;
  tokens: number;
  /** Mean natural log-probability per token. */
  logprob: number | null;
  scores: Record<string, number>;
  verdict: string | null;
  finish: string;
  temperature: number;
  /** The attempts it continues or was made from; none for a fresh one. */
  parents: number[];
}

/** An answer with the attempts that gave it. */
export interface Group {
  answer: string | null;
  votes: number;
  share: number;
  attempts: Attempt[];
}

export interface Panel {
  strategy: string;
  attempts: Attempt[];
  groups: Group[];
  /** The chosen attempt; `null` while the search runs. */
  chosen: number | null;
  confidence: number | null;
  running: boolean;
}

interface Vote {
  answer: { text: string };
  votes: number;
  share: number;
  trials: number[];
}

interface RawAttempt {
  trial: number;
  temperature: number;
  thinking?: string;
  text: string;
  answer?: { text: string };
  finish: string;
  usage: { completion_tokens: number };
  logprob?: number;
  scores?: Record<string, number>;
  judgement?: { verdict: string };
}

interface RawTrial {
  id: number;
  prefix?: string;
  messages: { content?: string }[];
  sampling: { temperature: number };
}

type Event =
  | { event: 'started'; strategy: string }
  | { event: 'asked'; trial: RawTrial }
  | { event: 'sampled'; attempt: RawAttempt }
  | { event: 'trial_failed'; trial: number; error: string }
  | {
      event: 'finished';
      selection?: { trial: number; confidence?: number; votes?: Vote[] };
    };

/** Texts shorter than this are in other texts by chance. */
const TELLING = 12;

/** The earlier attempts that a trial continues (its prefix) or was given to read (its messages). */
function parents(trial: RawTrial, earlier: Map<number, Attempt>): number[] {
  const prefix = trial.prefix?.trim() ?? '';
  const read = trial.messages.map((m) => m.content ?? '').join('\n');
  const found: number[] = [];
  for (const attempt of earlier.values()) {
    const text = attempt.text.trim();
    if (attempt.state !== 'done' || text.length < TELLING) continue;
    if ((prefix && (prefix.startsWith(text) || text.startsWith(prefix))) || read.includes(text)) found.push(attempt.trial);
  }
  // A continued text begins with all its ancestors: the newest is the parent.
  return prefix ? found.slice(-1) : found;
}

/** An event of a search in a stream. */
export type LiveEvent =
  | { event: 'started'; trial: number }
  | { event: 'text'; trial: number; channel: 'thinking' | 'answer'; text: string; tokens: number }
  | {
      event: 'ended';
      trial: number;
      answer: string | null;
      tokens: number;
      logprob: number | null;
      finish: string;
      verdict: string | null;
    }
  | { event: 'failed'; trial: number; error: string }
  | { event: 'votes'; votes: Vote[] };

const begun = (trial: number, temperature: number, parents: number[]): Attempt => ({
  trial,
  state: 'running',
  text: '',
  thinking: '',
  answer: null,
  tokens: 0,
  logprob: null,
  scores: {},
  verdict: null,
  finish: '',
  temperature,
  parents,
});

/** The attempts of a search that goes on, from the events in its stream. */
export class Live {
  private attempts = new Map<number, Attempt>();
  private votes: Vote[] = [];

  take(event: LiveEvent) {
    if (event.event === 'votes') {
      this.votes = event.votes;
      return;
    }
    const attempt = this.attempts.get(event.trial) ?? begun(event.trial, 0, []);
    this.attempts.set(event.trial, attempt);
    if (event.event === 'text') {
      attempt[event.channel === 'thinking' ? 'thinking' : 'text'] += event.text;
      attempt.tokens += event.tokens;
    } else if (event.event === 'failed') {
      Object.assign(attempt, { state: 'failed', text: event.error });
    } else if (event.event === 'ended') {
      const { answer, tokens, finish, verdict } = event;
      const logprob = event.logprob !== null && tokens > 0 ? event.logprob / tokens : null;
      Object.assign(attempt, { state: 'done', answer, tokens, finish, verdict, logprob });
    }
  }

  get count() {
    return this.attempts.size;
  }

  panel(): Panel {
    // Copies, so that what was drawn is not changed behind its back.
    const attempts = new Map([...this.attempts].map(([trial, attempt]) => [trial, { ...attempt }]));
    return {
      strategy: '',
      attempts: [...attempts.values()],
      groups: grouped(this.votes, attempts),
      chosen: null,
      confidence: null,
      running: true,
    };
  }
}

/** Reads a trace: one JSON event a line. */
export function readTrace(jsonl: string): Panel {
  const attempts = new Map<number, Attempt>();
  const panel: Panel = { strategy: '', attempts: [], groups: [], chosen: null, confidence: null, running: true };
  let votes: Vote[] = [];
  for (const line of jsonl.split('\n')) {
    if (!line.trim()) continue;
    const event = JSON.parse(line) as Event;
    if (event.event === 'started') panel.strategy = event.strategy;
    else if (event.event === 'asked') {
      const { id, sampling } = event.trial;
      attempts.set(id, begun(id, sampling.temperature, parents(event.trial, attempts)));
    } else if (event.event === 'sampled') {
      const { attempt: raw } = event;
      const attempt = attempts.get(raw.trial);
      if (!attempt) continue;
      const tokens = raw.usage.completion_tokens;
      Object.assign(attempt, {
        state: 'done',
        text: raw.text,
        thinking: raw.thinking ?? '',
        answer: raw.answer?.text ?? null,
        tokens,
        logprob: raw.logprob !== undefined && tokens > 0 ? raw.logprob / tokens : null,
        scores: raw.scores ?? {},
        verdict: raw.judgement?.verdict ?? null,
        finish: raw.finish,
        temperature: raw.temperature,
      });
    } else if (event.event === 'trial_failed') {
      const attempt = attempts.get(event.trial);
      if (attempt) Object.assign(attempt, { state: 'failed', text: event.error });
    } else if (event.event === 'finished') {
      panel.running = false;
      panel.chosen = event.selection?.trial ?? null;
      panel.confidence = event.selection?.confidence ?? null;
      votes = event.selection?.votes ?? [];
    }
  }
  panel.attempts = [...attempts.values()];
  panel.groups = grouped(votes, attempts);
  return panel;
}

/** The groups as the run counts them; attempts without a vote come last. */
function grouped(votes: Vote[], attempts: Map<number, Attempt>): Group[] {
  const rest = new Set(attempts.keys());
  const groups: Group[] = votes.map((vote) => ({
    answer: vote.answer.text,
    votes: vote.votes,
    share: vote.share,
    attempts: vote.trials.flatMap((trial) => (rest.delete(trial) ? [attempts.get(trial)!] : [])),
  }));
  if (rest.size) groups.push({ answer: null, votes: 0, share: 0, attempts: [...rest].map((t) => attempts.get(t)!) });
  return groups;
}
