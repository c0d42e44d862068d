import { request } from './api';
import { events } from './sse';
import type { ChatSettings, Usage } from './types';

/** One request to `/v1/chat/completions`, as it goes on. */
export interface Progress {
  content: string;
  thinking: string;
  /** The trace of the run, as soon as it is known. */
  run: string | null;
  usage: Usage | null;
  samples: number | null;
  confidence: number | null;
  share: number | null;
  finish: string | null;
  model: string | null;
}

export interface Turn {
  role: string;
  content: string;
}

interface Chunk {
  id?: string;
  model?: string;
  error?: { message: string };
  choices?: {
    delta?: { content?: string | null; reasoning_content?: string | null };
    finish_reason?: string | null;
    search?: Search;
  }[];
  usage?: {
    prompt_tokens: number;
    completion_tokens: number;
    completion_tokens_details?: { reasoning_tokens?: number };
  } | null;
}

interface Search {
  trace_id?: string;
  confidence?: number | null;
  samples?: number;
  candidates?: { votes: number; share?: number }[];
}

/** A request in flight. */
export class Completion {
  readonly progress: Progress = {
    content: '',
    thinking: '',
    run: null,
    usage: null,
    samples: null,
    confidence: null,
    share: null,
    finish: null,
    model: null,
  };
  private id: string | null = null;
  private readonly abort = new AbortController();

  /** Sends the request and calls `changed` after each piece; ends when the answer is complete. */
  async run(messages: Turn[], settings: ChatSettings, changed: () => void): Promise<void> {
    const response = await request('/v1/chat/completions', {
      method: 'POST',
      signal: this.abort.signal,
      body: JSON.stringify(requestBody(messages, settings)),
    });
    this.id = response.headers.get('x-request-id');
    if (!response.body) throw new Error('the server sent no answer');
    for await (const data of events(response.body)) {
      if (data === '[DONE]') break;
      this.take(JSON.parse(data) as Chunk);
      changed();
    }
  }

  /** Ends the search; what has been found is answered. */
  answerNow = () => this.tell('answer_now');

  /** Stops; the best so far still comes. If the server does not react, the connection is cut. */
  async stop() {
    setTimeout(() => this.abort.abort(), 4000);
    await this.tell('cancel').catch(() => this.abort.abort());
  }

  get aborted() {
    return this.abort.signal.aborted;
  }

  private async tell(what: string) {
    if (!this.id) throw new Error('the request has not begun');
    await request(`/v1/requests/${encodeURIComponent(this.id)}/${what}`, { method: 'POST' });
  }

  private take(chunk: Chunk) {
    const p = this.progress;
    if (chunk.error) throw new Error(chunk.error.message);
    if (chunk.model) p.model = chunk.model;
    const choice = chunk.choices?.[0];
    p.content += choice?.delta?.content ?? '';
    p.thinking += choice?.delta?.reasoning_content ?? '';
    if (choice?.finish_reason) p.finish = choice.finish_reason;
    const search = choice?.search;
    if (search) {
      p.run = search.trace_id ?? p.run;
      p.samples = search.samples ?? p.samples;
      p.confidence = search.confidence ?? p.confidence;
      p.share = search.candidates?.[0]?.share ?? p.share;
    }
    if (chunk.usage) {
      p.usage = {
        prompt_tokens: chunk.usage.prompt_tokens,
        completion_tokens: chunk.usage.completion_tokens,
        reasoning_tokens: chunk.usage.completion_tokens_details?.reasoning_tokens ?? 0,
      };
    }
  }
}

function requestBody(messages: Turn[], settings: ChatSettings) {
  const { model, effort, seconds, strategy, temperature, top_p, max_tokens, seed, system } = settings;
  const thinking = seconds || strategy ? { seconds, strategy } : undefined;
  return {
    model: model ?? 'default',
    messages: system ? [{ role: 'system', content: system }, ...messages] : messages,
    stream: true,
    stream_options: { include_usage: true },
    reasoning_effort: seconds ? undefined : effort,
    thinking,
    temperature,
    top_p,
    max_completion_tokens: max_tokens,
    seed,
  };
}
