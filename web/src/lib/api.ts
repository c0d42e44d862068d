import type { ChatSettings, Conversation, Me, Meta, ModelCard, Node, Summary, User } from './types';

/** What the server refused, in its words. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

let csrf = '';
let onLoggedOut = () => {};

/** Called when the server says that the session is over. */
export function whenLoggedOut(callback: () => void) {
  onLoggedOut = callback;
}

/** A request with the session's token; throws {@link ApiError} with the server's message. */
export async function request(path: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  if (csrf) headers.set('x-csrf-token', csrf);
  if (typeof init.body === 'string') headers.set('content-type', 'application/json');
  let response: Response;
  try {
    response = await fetch(path, { ...init, headers, credentials: 'same-origin' });
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new ApiError(0, 'the server can’t be reached');
  }
  if (response.ok) return response;
  const text = await response.text();
  let message = text || response.statusText;
  try {
    message = JSON.parse(text).error.message ?? message;
  } catch {
    // Not our server's words: shown as they are.
  }
  if (response.status === 401 && path !== '/api/login' && path !== '/api/users') onLoggedOut();
  throw new ApiError(response.status, message);
}

async function json<T>(path: string, method = 'GET', body?: unknown): Promise<T> {
  const response = await request(path, { method, body: body === undefined ? undefined : JSON.stringify(body) });
  return (response.status === 204 ? undefined : await response.json()) as T;
}

const conversation = (id: string) => `/api/conversations/${encodeURIComponent(id)}`;

export type NewMessage = Pick<Node, 'parent' | 'role' | 'content'> & { meta: Meta };
export type MessageChange = Pick<Node, 'content' | 'thinking' | 'run' | 'meta'>;
export interface ConversationChange {
  title?: string;
  pinned?: boolean;
  archived?: boolean;
  folder?: string | null;
  settings?: ChatSettings;
  leaf?: number;
}
export interface UsageRow {
  day: string;
  kind: 'user' | 'key';
  name: string;
  model: string;
  requests: number;
  prompt_tokens: number;
  completion_tokens: number;
  reasoning_tokens: number;
}

export const api = {
  async me(): Promise<Me> {
    const me = await json<Me>('/api/me');
    csrf = me.csrf;
    return me;
  },
  async login(name: string, password: string): Promise<Me> {
    await json('/api/login', 'POST', { name, password });
    return api.me();
  },
  logout: () => json<void>('/api/logout', 'POST'),
  /** Changes the password; the session is begun anew, with another token. */
  async password(old: string, password: string): Promise<void> {
    await json('/api/password', 'POST', { old, password });
    await api.me();
  },

  models: async (): Promise<ModelCard[]> => (await json<{ data: ModelCard[] }>('/v1/models')).data,

  list: (query: string, archived: boolean) =>
    json<Summary[]>(`/api/conversations?archived=${archived}&q=${encodeURIComponent(query)}`),
  open: (id: string) => json<Conversation>(conversation(id)),
  create: (settings: ChatSettings) => json<Conversation>('/api/conversations', 'POST', { settings }),
  change: (id: string, change: ConversationChange) => json<Summary>(conversation(id), 'PATCH', change),
  remove: (id: string) => json<void>(conversation(id), 'DELETE'),
  add: (id: string, message: NewMessage) => json<Node>(`${conversation(id)}/messages`, 'POST', message),
  update: (id: string, seq: number, change: MessageChange) =>
    json<void>(`${conversation(id)}/messages/${seq}`, 'PUT', change),
  /** Saves while the page goes away: the browser finishes the request by itself. */
  updateLast(id: string, seq: number, change: MessageChange) {
    void request(`${conversation(id)}/messages/${seq}`, {
      method: 'PUT',
      body: JSON.stringify(change),
      keepalive: true,
    }).catch(() => {});
  },
  exported: async (id: string, format: 'json' | 'markdown') =>
    (await request(`${conversation(id)}/export?format=${format}`)).blob(),
  import: (text: string) => json<{ id: string }>('/api/import', 'POST', JSON.parse(text)),
  trace: async (id: string): Promise<string> => (await request(`/api/traces/${encodeURIComponent(id)}`)).text(),

  users: () => json<User[]>('/api/users'),
  /** `key` is an API key, which the first user needs where there are keys. */
  async addUser(name: string, password: string, admin: boolean, key?: string): Promise<User> {
    const response = await request('/api/users', {
      method: 'POST',
      headers: key ? { authorization: `Bearer ${key}` } : {},
      body: JSON.stringify({ name, password, admin }),
    });
    return response.json();
  },
  removeUser: (id: string) => json<void>(`/api/users/${encodeURIComponent(id)}`, 'DELETE'),
  usage: () => json<UsageRow[]>('/api/usage'),
};
