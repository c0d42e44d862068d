import { expect, imported, open, test } from './server';

const HOSTILE = [
  '<script>window.hacked = 1</script>',
  '<img src=x onerror="window.hacked = 2">',
  '<svg onload="window.hacked = 3"><animate onbegin="window.hacked = 4" attributeName=x></svg>',
  '<iframe srcdoc="<script>parent.hacked = 5</script>"></iframe>',
  '[a](javascript:window.hacked=6) [b](JaVaScRiPt:window.hacked=7) [c](data:text/html,<script>8</script>)',
  '[d](&#106;avascript:window.hacked=9) <javascript:window.hacked=10> [e](//evil.example "x\\" onmouseover=alert(1)")',
  '![f](https://evil.example/pixel.png "t\\" onload=\\"window.hacked = 11")',
  '<a href="javascript:window.hacked = 12">g</a> <form action=javascript:1><button>h</button></form>',
  '$\\href{javascript:window.hacked=13}{i}$ $\\htmlId{composer}{j}$ $\\includegraphics{https://evil.example/k.png}$',
  '```"><img src=x onerror=window.hacked=14>\n</code></pre><script>window.hacked = 15</script>\n```',
  '| <b onclick=alert(1)>l</b> | [m]: javascript:16 |\n|--|--|\n| [x][y] | z |\n\n[y]: javascript:window.hacked=17',
  '<style>body { display: none }</style><link rel=stylesheet href=https://evil.example/x.css>',
  '<math><mtext><table><mglyph><style><img src=x onerror=window.hacked=18></style></mglyph></table></mtext></math>',
  '<noscript><p title="</noscript><img src=x onerror=window.hacked=19>"></noscript>',
  '<meta http-equiv=refresh content="0;url=https://evil.example">',
].join('\n\n');

test('hostile Markdown does nothing, loads nothing and links nowhere', async ({ page }) => {
  const requests: string[] = [];
  page.on('request', (request) => requests.push(request.url()));
  await open(page);
  await imported(page, 'Hostile <img src=x onerror=window.hacked=20>', [
    ['user', HOSTILE],
    ['assistant', HOSTILE],
  ]);
  const answer = page.locator('li.assistant');
  await expect(answer).toContainText('<script>window.hacked = 1</script>');
  for (const link of await answer.locator('a').all()) {
    expect(await link.getAttribute('href')).toMatch(/^https?:\/\//);
    expect(await link.getAttribute('rel')).toContain('noopener');
  }
  await answer.locator('.answer').click();
  await page.waitForTimeout(500);
  expect(await page.evaluate(() => (window as { hacked?: number }).hacked)).toBeUndefined();
  expect(await answer.locator('img, iframe, form, style, link, script, [onclick], [onerror], [onload]').count()).toBe(0);
  expect(await page.locator('#composer').count()).toBe(1);
  expect(requests.filter((url) => url.includes('evil.example'))).toEqual([]);
  await expect(page.getByLabel('Ask anything')).toBeVisible();
});

test('the policy allows nothing inline and nothing from elsewhere', async ({ context, request }) => {
  const policy = (await request.get('/')).headers()['content-security-policy'] ?? '';
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("script-src 'self'");
  expect(policy).not.toContain('unsafe');
  // A page of its own: the refusal that follows is wanted.
  const page = await context.newPage();
  await open(page);
  const ran = await page.evaluate(() => {
    const script = document.createElement('script');
    script.textContent = 'window.inline = 1';
    document.head.append(script);
    return (window as { inline?: number }).inline;
  });
  expect(ran).toBeUndefined();
});

test('formulas, tables, lists and code are set; code can be copied', async ({ page, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await open(page);
  await imported(page, 'Set', [
    ['user', 'Show me'],
    [
      'assistant',
      [
        'Inline $\\frac{1}{2}$ and \\(x^2\\), but $5 and $10 are money.',
        '$$\\sum_{i=1}^n i = \\frac{n(n+1)}{2}$$',
        '\\[\n\\begin{aligned} a &= b \\\\ c &= d \\end{aligned}\n\\]',
        'Broken: $\\frac{$',
        '```python\ndef f(x):\n    return "a" # no\n```',
        '| a | b |\n|---|---|\n| 1 | **2** |',
        '1. one\n2. two\n   - three',
      ].join('\n\n'),
    ],
  ]);
  const answer = page.locator('li.assistant');
  await expect(answer.locator('.katex')).toHaveCount(4);
  await expect(answer.locator('.math.display')).toHaveCount(2);
  await expect(answer).toContainText('but $5 and $10 are money.');
  await expect(answer.locator('td strong')).toHaveText('2');
  await expect(answer.locator('ol > li ul > li')).toHaveText('three');
  await expect(answer.locator('.hljs-keyword').first()).toHaveText('def');
  // The formula is really laid out: its styles passed the policy.
  const fraction = answer.locator('.mfrac').first();
  expect((await fraction.boundingBox())!.height).toBeGreaterThan(10);
  await answer.locator('.codebar').getByRole('button', { name: 'Copy' }).click();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe('def f(x):\n    return "a" # no');
});
