import { api, whenLoggedOut } from './api';
import { Chat } from './chat.svelte';
import { download, fileName } from './files';
import { preferences, t } from './preferences.svelte';
import type { Me, ModelCard, Summary } from './types';

/** What is on the screen beside the conversation: who is asking, which conversations there are, which is open. */
class Session {
  me = $state<Me | null>(null);
  models = $state<ModelCard[]>([]);
  list = $state<Summary[]>([]);
  query = $state('');
  archived = $state(false);
  chat = $state.raw<Chat>(new Chat(null, () => {}));
  /** The message whose attempts are shown. */
  attemptsOf = $state<number | null>(null);
  dialog = $state<'settings' | 'admin' | 'shortcuts' | null>(null);
  error = $state('');

  constructor() {
    whenLoggedOut(() => {
      if (this.me) this.me = { ...this.me, user: null, login: true };
    });
  }

  get mustLogIn() {
    return this.me !== null && this.me.login && !this.me.user;
  }

  async start() {
    this.me = await api.me();
    if (!this.mustLogIn) await this.entered();
  }

  /** After logging in, or at once where nobody has to. */
  async entered() {
    await Promise.all([this.refresh(), api.models().then((models) => (this.models = models))]);
    await this.follow();
  }

  /** Opens what the address names: `#/c/ID`, or a new conversation. */
  async follow() {
    const id = /^#\/c\/(.+)$/.exec(location.hash)?.[1];
    if (id && id !== this.chat.id) await this.guard(() => this.open(decodeURIComponent(id)));
    else if (!id && this.chat.id) this.fresh();
    else if (!this.chat.id) this.fresh();
  }

  fresh() {
    void this.chat.stop();
    this.attemptsOf = null;
    this.chat = new Chat(null, this.onChange);
    if (location.hash) history.pushState(null, '', location.pathname);
    this.closeDrawer();
  }

  async open(id: string) {
    void this.chat.stop();
    this.attemptsOf = null;
    const conversation = await api.open(id);
    this.chat = new Chat(conversation, this.onChange);
    this.go(id);
    this.closeDrawer();
  }

  refresh = () =>
    this.guard(async () => {
      this.list = await api.list(this.query.trim(), this.archived);
    });

  async change(id: string, change: Parameters<typeof api.change>[1]) {
    await this.guard(async () => {
      const summary = await api.change(id, change);
      if (this.chat.id === id) this.chat.title = summary.title;
      await this.refresh();
    });
  }

  async remove(summary: Summary) {
    if (!confirm(t('deleteConfirm', { title: summary.title }))) return;
    await this.guard(async () => {
      await api.remove(summary.id);
      if (this.chat.id === summary.id) this.fresh();
      await this.refresh();
    });
  }

  async exportAs(summary: Summary, format: 'json' | 'markdown') {
    await this.guard(async () => {
      const extension = format === 'json' ? 'json' : 'md';
      download(`${fileName(summary.title)}.${extension}`, await api.exported(summary.id, format));
    });
  }

  async importFile(file: File) {
    this.error = '';
    try {
      const { id } = await api.import(await file.text());
      await this.refresh();
      await this.open(id);
    } catch (error) {
      this.error = t('importBad', { why: error instanceof Error ? error.message : String(error) });
    }
  }

  async logout() {
    await this.guard(() => api.logout());
    location.reload();
  }

  /** Runs an action and shows what went wrong with it. */
  async guard(action: () => Promise<unknown>) {
    this.error = '';
    try {
      await action();
    } catch (error) {
      this.error = error instanceof Error ? error.message : String(error);
    }
  }

  private onChange = () => {
    if (this.chat.id) this.go(this.chat.id);
    void this.refresh();
  };

  private go(id: string) {
    const hash = `#/c/${encodeURIComponent(id)}`;
    if (location.hash !== hash) history.pushState(null, '', hash);
  }

  private closeDrawer() {
    if (matchMedia('(max-width: 760px)').matches) preferences.sidebar = false;
  }
}

export const session = new Session();
