
const panel = document.getElementById('panel');
let shown = null;
function show(claim) {
  if (claim === shown) return;
  if (shown) shown.classList.remove('shown');
  shown = claim;
  claim.classList.add('shown');
  panel.replaceChildren();
  for (const rest of claim.dataset.rests.split(' ').filter(Boolean)) {
    const [number, start, end] = rest.split(':').map(Number);
    const template = document.getElementById('passage-' + number);
    const head = document.createElement('p');
    head.textContent = '[' + number + '] ' + template.dataset.name;
    const pre = template.content.querySelector('pre').cloneNode(true);
    const text = pre.textContent;
    const mark = document.createElement('mark');
    mark.textContent = text.slice(start, end);
    pre.replaceChildren(text.slice(0, start), mark, text.slice(end));
    const where = document.createElement('p');
    where.className = 'hint';
    where.textContent = template.dataset.document;
    panel.append(head, pre, where);
    mark.scrollIntoView({ block: 'nearest' });
  }
  if (!panel.firstChild) panel.textContent = 'Nothing that was read supports this sentence.';
}
for (const claim of document.querySelectorAll('main .claim')) {
  for (const kind of ['mouseenter', 'focus', 'click']) claim.addEventListener(kind, () => show(claim));
}
