import { t } from './preferences.svelte';

/** A text file that goes along with a question. */
export interface Attachment {
  name: string;
  size: number;
  text: string;
}

/** Larger files would not fit the context of any model at hand. */
const LARGEST_KB = 256;

/** Reads a file as text; throws a sentence for the user when it is none. */
export async function readFile(file: File): Promise<Attachment> {
  if (file.size > LARGEST_KB * 1024) throw new Error(t('attachTooLarge', { name: file.name, kb: LARGEST_KB }));
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(await file.arrayBuffer());
    if (text.includes('\0')) throw new Error('binary');
    return { name: file.name, size: file.size, text };
  } catch {
    throw new Error(t('attachBinary', { name: file.name }));
  }
}

/** A question followed by its files, each in a fence longer than any run of backticks in it. */
export function withFiles(question: string, files: Attachment[]): string {
  const parts = files.map(({ name, text }) => {
    const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map((m) => m[0].length));
    const fence = '`'.repeat(longest + 1);
    const extension = /\.(\w+)$/.exec(name)?.[1] ?? '';
    return `\n\n${name}:\n${fence}${extension}\n${text.replace(/\n$/, '')}\n${fence}`;
  });
  return question + parts.join('');
}

/** Offers data to the user as a file. */
export function download(name: string, data: Blob) {
  const url = URL.createObjectURL(data);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** A title as a file name. */
export const fileName = (title: string) =>
  title.replace(/[^\p{L}\p{N}]+/gu, '-').replace(/^-|-$/g, '').slice(0, 60) || 'conversation';

/** Puts text on the clipboard; works without HTTPS too. */
export async function copyText(text: string) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = document.createElement('textarea');
  area.value = text;
  document.body.append(area);
  area.select();
  document.execCommand('copy');
  area.remove();
}
