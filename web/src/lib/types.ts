/** The shapes that travel between this app and the server (`crates/serve/src/app`). */

export const EFFORTS = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'] as const;
export type Effort = (typeof EFFORTS)[number];

export interface User {
  id: string;
  name: string;
  admin: boolean;
}

/** Who is asking, and what the server offers. */
export interface Me {
  user: User | null;
  /** False while no user was made: everything belongs to whoever sits at the machine. */
  login: boolean;
  /** Whether there is anybody who could log in. */
  users: boolean;
  csrf: string;
  version: string;
  /** The names of the searches there are. */
  strategies: string[];
}

export interface ModelCard {
  id: string;
  /** In tokens, where known. */
  context_length: number | null;
}

/** What a conversation is held with. Everything left out is the server's default. */
export interface ChatSettings {
  model?: string;
  effort?: Effort;
  /** Think for so many seconds instead of an effort. */
  seconds?: number;
  strategy?: string;
  system?: string;
  temperature?: number;
  top_p?: number;
  max_tokens?: number;
  seed?: number;
}

export interface Summary {
  id: string;
  title: string;
  time_ms: number;
  messages: number;
  pinned: boolean;
  archived: boolean;
  folder: string | null;
  /** For a search: the text around what was found. */
  snippet?: string;
}

export interface Usage {
  prompt_tokens: number;
  completion_tokens: number;
  reasoning_tokens: number;
}

/** How a message came about: shown beneath it. */
export interface Meta {
  model?: string;
  effort?: Effort;
  seconds?: number;
  usage?: Usage;
  /** Wall time of the whole answer and of the thinking in it, in milliseconds. */
  wall_ms?: number;
  think_ms?: number;
  samples?: number;
  confidence?: number;
  /** The share of the votes that the answer has. */
  share?: number;
  finish?: 'running' | 'stop' | 'length' | 'cancelled' | 'failed' | string;
  error?: string;
  /** Characters of a user's message that were typed; the rest are attached files. */
  typed?: number;
  files?: { name: string; size: number }[];
}

/** One message in the tree of a conversation. */
export interface Node {
  seq: number;
  parent: number | null;
  role: 'system' | 'user' | 'assistant' | 'tool';
  content: string;
  thinking: string | null;
  run: string | null;
  meta: Meta;
  time_ms: number;
}

export interface Conversation {
  summary: Summary;
  settings: ChatSettings;
  leaf: number | null;
  messages: Node[];
}
