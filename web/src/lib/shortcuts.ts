import { preferences } from './preferences.svelte';
import { session } from './session.svelte';
import { EFFORTS } from './types';

/** The keys and what they do; the list of shortcuts is made of this. `mod` is Ctrl, or ⌘ on a Mac. */
export const SHORTCUTS = [
  { keys: 'Enter', does: 'sk_send' },
  { keys: 'Shift+Enter', does: 'sk_line' },
  { keys: 'Escape', does: 'sk_stop' },
  { keys: 'Mod+Enter', does: 'sk_now' },
  { keys: 'Mod+Shift+O', does: 'sk_new' },
  { keys: 'Mod+K', does: 'sk_search' },
  { keys: 'Shift+Escape', does: 'sk_focus' },
  { keys: 'Mod+Shift+E', does: 'sk_effort' },
  { keys: 'Mod+B', does: 'sk_sidebar' },
  { keys: 'Mod+Shift+A', does: 'sk_attempts' },
  { keys: 'Mod+/', does: 'sk_help' },
] as const;

type Action = (typeof SHORTCUTS)[number]['does'];

const actions: Partial<Record<Action, () => void>> = {
  sk_new: () => session.fresh(),
  sk_search: () => {
    preferences.sidebar = true;
    // The field is there after the sidebar was drawn.
    requestAnimationFrame(() => document.getElementById('search')?.focus());
  },
  sk_focus: () => document.getElementById('composer')?.focus(),
  sk_stop: () => void session.chat.stop(),
  sk_now: () => void session.chat.answerNow(),
  sk_effort: () => {
    const now = EFFORTS.indexOf(session.chat.settings.effort ?? 'medium');
    void session.chat.set({ effort: EFFORTS[(now + 1) % EFFORTS.length], seconds: undefined });
  },
  sk_sidebar: () => (preferences.sidebar = !preferences.sidebar),
  sk_attempts: () => {
    const last = session.chat.path.findLast((node) => node.run || node.seq === session.chat.run?.seq);
    session.attemptsOf = session.attemptsOf === null && last ? last.seq : null;
  },
  sk_help: () => (session.dialog = session.dialog === 'shortcuts' ? null : 'shortcuts'),
};

function pressed(event: KeyboardEvent): string {
  const parts = [];
  if (event.ctrlKey || event.metaKey) parts.push('Mod');
  if (event.shiftKey && event.key !== '/') parts.push('Shift');
  parts.push(event.key.length === 1 ? event.key.toUpperCase() : event.key);
  return parts.join('+');
}

export function onKey(event: KeyboardEvent) {
  if (event.altKey || event.isComposing || session.mustLogIn) return;
  const keys = pressed(event);
  const action = actions[SHORTCUTS.find((s) => s.keys === keys)?.does ?? 'sk_send'];
  // A dialog closes by itself on Escape.
  if (!action || (keys === 'Escape' && (session.dialog || !session.chat.run))) return;
  if (keys === 'Mod+Enter' && !session.chat.run) return;
  event.preventDefault();
  action();
}
