import hljs from 'highlight.js/lib/core';
import bash from 'highlight.js/lib/languages/bash';
import c from 'highlight.js/lib/languages/c';
import cpp from 'highlight.js/lib/languages/cpp';
import css from 'highlight.js/lib/languages/css';
import go from 'highlight.js/lib/languages/go';
import java from 'highlight.js/lib/languages/java';
import javascript from 'highlight.js/lib/languages/javascript';
import json from 'highlight.js/lib/languages/json';
import markdown from 'highlight.js/lib/languages/markdown';
import python from 'highlight.js/lib/languages/python';
import rust from 'highlight.js/lib/languages/rust';
import sql from 'highlight.js/lib/languages/sql';
import typescript from 'highlight.js/lib/languages/typescript';
import xml from 'highlight.js/lib/languages/xml';
import yaml from 'highlight.js/lib/languages/yaml';
import katex from 'katex';
import 'katex/dist/katex.min.css';
import { copyText } from './files';

const languages = { bash, c, cpp, css, go, java, javascript, json, markdown, python, rust, sql, typescript, xml, yaml };
for (const [name, language] of Object.entries(languages)) hljs.registerLanguage(name, language);
hljs.registerAliases(['sh', 'shell', 'console', 'zsh'], { languageName: 'bash' });

/** Code longer than this is shown without colours: they would take too long while it streams. */
const LONGEST_COLOURED = 50_000;

/** Sets formulas and colours code in what `html` made, and gives each piece of code a button that copies it. */
export function decorate(root: HTMLElement, copyLabel: string, copiedLabel: string) {
  for (const span of root.querySelectorAll<HTMLElement>('span.math')) {
    const tex = span.textContent ?? '';
    // KaTeX builds elements (no HTML text), so its styles pass the content security policy. It bounds
    // expansion and size; `trust: false` refuses links, images and attributes.
    try {
      katex.render(tex, span, {
        displayMode: span.classList.contains('display'),
        throwOnError: true,
        trust: false,
        strict: 'ignore',
        maxExpand: 500,
        maxSize: 20,
      });
    } catch {
      span.textContent = tex;
      span.classList.add('unset');
    }
  }
  for (const code of root.querySelectorAll<HTMLElement>('pre > code')) {
    const text = code.textContent ?? '';
    const language = code.className.replace('language-', '');
    if (hljs.getLanguage(language) && text.length < LONGEST_COLOURED) {
      // highlight.js escapes the text itself; its output is spans with classes.
      code.innerHTML = hljs.highlight(text, { language, ignoreIllegals: true }).value;
    }
    const bar = document.createElement('div');
    bar.className = 'codebar';
    const name = document.createElement('span');
    name.textContent = language;
    const copy = document.createElement('button');
    copy.type = 'button';
    copy.textContent = copyLabel;
    copy.addEventListener('click', async () => {
      await copyText(text.replace(/\n$/, ''));
      copy.textContent = copiedLabel;
      setTimeout(() => (copy.textContent = copyLabel), 1500);
    });
    bar.append(name, copy);
    code.parentElement!.prepend(bar);
    code.parentElement!.tabIndex = 0;
  }
}
