import DOMPurify from 'dompurify';
import { Marked, type Tokens } from 'marked';

/*
 * Markdown is written by models and by strangers: nothing in it may run, load or look like part of the app.
 * Raw HTML is shown as text, links go only to the web and to mail, images are links; what comes out is
 * cleaned once more by DOMPurify, and the page's content security policy stands behind both.
 */

const escapes: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
const escape = (text: string) => text.replace(/[&<>"']/g, (c) => escapes[c]!);

function link(href: string, inner: string): string {
  if (!/^(https?:\/\/|mailto:)/i.test(href)) return inner;
  return `<a href="${escape(href)}" target="_blank" rel="noopener noreferrer nofollow">${inner}</a>`;
}

const mathSpan = (tex: string, display: boolean) =>
  `<span class="${display ? 'math display' : 'math'}">${escape(tex)}</span>`;

interface Maths extends Tokens.Generic {
  tex: string;
  display: boolean;
}

// `$$…$$`, `\[…\]`, `\(…\)`, and `$…$` where it can't be about money: no space inside the dollars, no digit after.
const DISPLAY = /^(?:\$\$([\s\S]+?)\$\$|\\\[([\s\S]+?)\\\])/;
const INLINE = /^(?:\\\(([\s\S]+?)\\\)|\$(?![\s$])((?:\\.|[^$\\\n])+?)(?<!\s)\$(?!\d))/;

const marked = new Marked({ gfm: true, breaks: true });
marked.use({
  extensions: [
    {
      name: 'displayMaths',
      level: 'inline',
      start: (text: string) => text.search(/\$\$|\\\[/),
      tokenizer(text: string): Maths | undefined {
        const found = DISPLAY.exec(text);
        if (!found) return;
        return { type: 'displayMaths', raw: found[0], tex: (found[1] ?? found[2])!, display: true };
      },
      renderer: (token) => mathSpan((token as Maths).tex, true),
    },
    {
      name: 'inlineMaths',
      level: 'inline',
      start: (text: string) => text.search(/\$|\\\(/),
      tokenizer(text: string): Maths | undefined {
        const found = INLINE.exec(text);
        if (!found) return;
        return { type: 'inlineMaths', raw: found[0], tex: (found[1] ?? found[2])!, display: false };
      },
      renderer: (token) => mathSpan((token as Maths).tex, false),
    },
    {
      // A block of its own, so that its lines are not taken for lists, tables or headings.
      name: 'mathsBlock',
      level: 'block',
      start: (text: string) => text.search(/(^|\n)\s*(\$\$|\\\[)/),
      tokenizer(text: string): Maths | undefined {
        const found = /^\s*(?:\$\$([\s\S]+?)\$\$|\\\[([\s\S]+?)\\\])[ \t]*(?:\n|$)/.exec(text);
        if (!found) return;
        return { type: 'mathsBlock', raw: found[0], tex: (found[1] ?? found[2])!, display: true };
      },
      renderer: (token) => mathSpan((token as Maths).tex, true),
    },
  ],
  renderer: {
    html: ({ text }) => escape(text),
    link({ href, tokens }) {
      return link(href, this.parser.parseInline(tokens));
    },
    image: ({ href, text }) => link(href, `🖼 ${escape(text || href)}`),
    code: ({ text, lang }) =>
      `<pre><code class="language-${lang?.match(/^[\w+#-]+/)?.[0] ?? ''}">${escape(text)}\n</code></pre>`,
  },
});

const TAGS = [
  ...['a', 'blockquote', 'br', 'code', 'del', 'em', 'h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'hr', 'input', 'li'],
  ...['ol', 'p', 'pre', 'span', 'strong', 'table', 'tbody', 'td', 'th', 'thead', 'tr', 'ul'],
];
const ATTRIBUTES = ['align', 'checked', 'class', 'disabled', 'href', 'rel', 'start', 'target', 'type'];

/** The top-level blocks of a Markdown text, as source. A text that grows changes its last blocks only. */
export function blocks(source: string): string[] {
  const tokens = marked.lexer(source);
  // A reference definition can be anywhere, and blocks are shown one by one.
  const definitions = Object.entries(tokens.links)
    .map(([name, { href }]) => `\n\n[${name}]: <${href}>`)
    .join('');
  return tokens
    .filter((token) => token.type !== 'space' && token.type !== 'def')
    .map((token) => token.raw + (definitions && token.raw.includes('[') ? definitions : ''));
}

/** Safe HTML of one block. Formulas are `span.math` with their TeX as text; `code.language-…` waits for colours. */
export function html(block: string): string {
  return DOMPurify.sanitize(marked.parse(block, { async: false }), {
    ALLOWED_TAGS: TAGS,
    ALLOWED_ATTR: ATTRIBUTES,
    ALLOW_DATA_ATTR: false,
    ALLOW_ARIA_ATTR: false,
    // The links above are already limited; this keeps them to the same schemes.
    ALLOWED_URI_REGEXP: /^(https?:\/\/|mailto:)/i,
    ADD_URI_SAFE_ATTR: ['align', 'checked', 'disabled', 'rel', 'start', 'target', 'type'],
  });
}
