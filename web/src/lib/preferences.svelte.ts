import { en } from './en';
import { zh } from './zh';
import { EFFORTS, type ChatSettings } from './types';

export type Theme = 'system' | 'light' | 'dark';
export type Language = 'en' | 'zh';

const KEY = 'strawberry';

/** What this browser remembers. Conversations are with the server. */
class Preferences {
  theme = $state<Theme>('system');
  language = $state<Language>(navigator.language.startsWith('zh') ? 'zh' : 'en');
  foldThinking = $state(true);
  sidebar = $state(!matchMedia('(max-width: 760px)').matches);
  /** The model and effort chosen last, with which a new conversation begins. */
  last = $state<Pick<ChatSettings, 'model' | 'effort' | 'seconds'>>({});

  constructor() {
    try {
      const saved = JSON.parse(localStorage.getItem(KEY) ?? '{}');
      if (['system', 'light', 'dark'].includes(saved.theme)) this.theme = saved.theme;
      if (saved.language === 'en' || saved.language === 'zh') this.language = saved.language;
      if (typeof saved.foldThinking === 'boolean') this.foldThinking = saved.foldThinking;
      if (EFFORTS.includes(saved.last?.effort)) this.last.effort = saved.last.effort;
      if (Number.isFinite(saved.last?.seconds)) this.last.seconds = saved.last.seconds;
      if (typeof saved.last?.model === 'string') this.last.model = saved.last.model;
    } catch {
      // Storage is full, forbidden or damaged: the defaults do.
    }
  }

  /** Writes the choices down and applies them to the page. Called by an effect. */
  apply() {
    const { theme, language, foldThinking, last } = this;
    document.documentElement.dataset.theme = theme;
    document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en';
    try {
      localStorage.setItem(KEY, JSON.stringify({ theme, language, foldThinking, last }));
    } catch {
      // As above.
    }
  }
}

export const preferences = new Preferences();

/** A text in the reader's language, its `{x}` filled in. */
export function t(key: keyof typeof en, values: Record<string, string | number> = {}): string {
  const text = (preferences.language === 'zh' ? zh : en)[key];
  return text.replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
}

const locale = () => (preferences.language === 'zh' ? 'zh-CN' : 'en');

export const number = (n: number) => n.toLocaleString(locale(), { maximumFractionDigits: n < 10 ? 1 : 0 });

export function duration(ms: number): string {
  const s = ms / 1000;
  if (s < 10) return `${s.toFixed(1)} s`;
  if (s < 60) return `${Math.round(s)} s`;
  return `${Math.floor(s / 60)} min ${Math.round(s % 60)} s`;
}

export const percent = (share: number) => `${Math.round(share * 100)} %`;
