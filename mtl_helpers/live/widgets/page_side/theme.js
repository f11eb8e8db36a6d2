// What every drawing of the page needs: the theme's ink, colours that suit it, markers, and when to draw anew.

const BIG = 1.6; // how many times as large all is in the teacher's mode, which the page's class mtl-big switches on
const DARK_INK = 0.4; // luminance of the text above which the page must be dark

function inkOf(el) {
  const [r, g, b] = (getComputedStyle(el).color.match(/[\d.]+/g) || [0, 0, 0]).map(Number);
  const luminance = (0.2126 * r + 0.7152 * g + 0.0722 * b) / 255;
  const big = document.documentElement.classList.contains("mtl-big") ? BIG : 1;
  return { ink: `rgb(${r},${g},${b})`, dark: luminance > DARK_INK, big };
}

// A colour is [on light, on dark] or one for both.
const suits = (colour, dark) => (Array.isArray(colour) ? colour[dark ? 1 : 0] : colour);

// A word in such a colour, mixed with the ink, so that it can be read: WCAG 2.2 AA asks 4.5 : 1 of it, and 3 : 1 of a line.
const worded = (colour, dark) => `color-mix(in srgb, ${suits(colour, dark)} 70%, ${dark ? "#fff" : "#000"})`;

const SETTLED = 1000, TALKING = 5000; // ms: from a change to its announcement; between two of them while all goes on changing

// What stands in a part of the page: its sentences, and each row of its tables with the heads of its numbers.
function inWords(part) {
  const bare = part.cloneNode(true), rows = [...part.querySelectorAll("tr")], heads = rows.filter(row => row.cells[0]?.tagName === "TH").at(-1);
  for (const table of bare.querySelectorAll("table")) table.remove();
  const words = cell => cell.innerText.replace(/\s+/g, " ").trim();
  const named = row => [...row.cells].map((cell, i) => (i && heads?.cells[i] ? `${words(heads.cells[i])} ${words(cell)}` : words(cell))).join(", ");
  return [bare.textContent.replace(/\s+/g, " ").trim(), ...rows.filter(row => row.cells[0]?.tagName === "TD").map(named)];
}

// For who listens: the readout of the lab or demo around el is said by a status line that nobody sees. Of several on a page only
// the one that was touched last speaks, else their words would mix; what went wrong is said by each.
function announce(el) {
  const box = el.closest(".mtl-live");
  if (!box || box.said) return;
  box.said = Object.assign(document.createElement("div"), { className: "mtl-said" });
  box.said.setAttribute("role", "status");
  box.said.setAttribute("aria-live", "polite");
  box.append(box.said);
  let due = 0, last = -Infinity;
  const say = () => {
    due = 0;
    reach();
    const mine = !window.mtlTouched?.isConnected || window.mtlTouched === box;
    const said = [...box.querySelectorAll(mine ? ".mtl-error, .mtl-light, .mtl-readout" : ".mtl-error")].flatMap(inWords).filter(Boolean).join("; ");
    if (said === box.said.textContent) return;
    last = performance.now();
    box.said.textContent = said;
  };
  // What is scrolled can be scrolled by keyboard.
  const reach = () => { for (const part of box.querySelectorAll(".widget-html-content, .mtl-picture, .mtl-numbers")) part.scrollWidth > part.clientWidth ? part.setAttribute("tabindex", 0) : part.removeAttribute("tabindex"); };
  new ResizeObserver(reach).observe(box);
  for (const touched of ["focusin", "pointerdown"]) box.addEventListener(touched, () => { window.mtlTouched = box; });
  const soon = () => { due ||= setTimeout(say, Math.max(SETTLED, last + TALKING - performance.now())); };
  const watching = new MutationObserver(changes => { if (changes.some(c => c.target.parentElement?.closest(".mtl-readout, .mtl-light, .mtl-error") || c.target.closest?.(".mtl-readout"))) soon(); });
  watching.observe(box, { subtree: true, childList: true, characterData: true });
  // A field without a label that is seen is called by its tip.
  for (const field of box.querySelectorAll("input, select")) if (field.labels?.length && !field.labels[0].offsetWidth) field.setAttribute("aria-label", field.closest("[title]:not([title=''])")?.title || "value");
  // The sliders of ipywidgets do not tell their names to who cannot see the label beside them.
  for (const slider of box.querySelectorAll(".widget-slider")) {
    for (const part of slider.querySelectorAll("[role=slider], .widget-readout")) part.setAttribute("aria-label", slider.querySelector(".widget-label")?.textContent || slider.title || "value");
    slider.querySelector(".widget-readout")?.setAttribute("role", "textbox");
  }
}

// A fold with the numbers of a drawing, for who reads rather than looks. tables() is asked when it is opened and, while it is
// open, when fold.news() says that they have changed; each has a title, heads and rows.
function numbersOf(el, tables) {
  const fold = document.createElement("details"), title = document.createElement("summary"), body = document.createElement("div");
  fold.className = "mtl-numbers";
  title.textContent = "numbers";
  fold.append(title, body);
  el.append(fold);
  let due = 0;
  const cell = (tag, text, row) => Object.assign(row.appendChild(document.createElement(tag)), { textContent: typeof text === "number" ? short(text) : (text ?? "–") });
  const write = () => {
    due = 0;
    body.replaceChildren(...tables().filter(({ rows }) => rows.length).map(({ title: name, heads, rows }) => {
      const table = document.createElement("table");
      table.createCaption().textContent = name;
      const head = table.createTHead().insertRow(), rest = table.createTBody();
      for (const text of heads) cell("th", text, head).scope = "col";
      for (const row of rows) { const line = rest.insertRow(); for (const text of row) cell("td", text, line); }
      return table;
    }));
    if (!body.children.length) body.textContent = "no numbers yet";
  };
  fold.addEventListener("toggle", () => { if (fold.open) write(); });
  fold.news = () => { if (fold.open) due ||= setTimeout(write, SETTLED); };
  return fold;
}

// Calls draw() when the theme, the teacher's mode or the width of el changes; returns what ends that.
function whenChanged(el, draw) {
  let theme = JSON.stringify(inkOf(el)), width = el.clientWidth;
  setTimeout(() => announce(el), SETTLED); // when it hangs in its box
  const look = () => {
    const now = JSON.stringify(inkOf(el));
    if (now !== theme || el.clientWidth !== width) { theme = now; width = el.clientWidth; draw(); }
  };
  const themes = new MutationObserver(() => requestAnimationFrame(look)), sizes = new ResizeObserver(look);
  const attributeFilter = ["class", "data-jp-theme-name", "data-jp-theme-light", "data-vscode-theme-kind"];
  themes.observe(document.body, { attributes: true, attributeFilter });
  themes.observe(document.documentElement, { attributes: true, attributeFilter: [...attributeFilter, "data-theme"] });
  sizes.observe(el);
  const scheme = matchMedia("(prefers-color-scheme: dark)");
  scheme.addEventListener("change", look);
  return () => { themes.disconnect(); sizes.disconnect(); scheme.removeEventListener("change", look); };
}

// Matplotlib's letters for markers.
function marker(ctx, shape, x, y, r) {
  ctx.beginPath();
  const corners = {
    s: [[-1, -1], [1, -1], [1, 1], [-1, 1]], "^": [[0, -1.2], [1.1, 0.9], [-1.1, 0.9]], v: [[0, 1.2], [1.1, -0.9], [-1.1, -0.9]],
    D: [[0, -1.3], [1.3, 0], [0, 1.3], [-1.3, 0]], P: [[-0.45, -1.2], [0.45, -1.2], [0.45, -0.45], [1.2, -0.45], [1.2, 0.45],
      [0.45, 0.45], [0.45, 1.2], [-0.45, 1.2], [-0.45, 0.45], [-1.2, 0.45], [-1.2, -0.45], [-0.45, -0.45]],
    X: [[-1.2, -0.6], [-0.6, -1.2], [0, -0.6], [0.6, -1.2], [1.2, -0.6], [0.6, 0], [1.2, 0.6], [0.6, 1.2], [0, 0.6],
      [-0.6, 1.2], [-1.2, 0.6], [-0.6, 0]],
  };
  if (shape === "*") {
    for (let i = 0; i < 10; i++) {
      const a = (Math.PI * (i - 2.5)) / 5, far = i % 2 ? 0.55 : 1.35;
      ctx.lineTo(x + r * far * Math.cos(a), y + r * far * Math.sin(a));
    }
  } else if (corners[shape]) for (const [dx, dy] of corners[shape]) ctx.lineTo(x + r * dx, y + r * dy);
  else ctx.arc(x, y, r, 0, 2 * Math.PI);
  ctx.closePath();
}

const short = value => Math.abs(value) >= 100 ? value.toFixed(0) : String(+value.toPrecision(3)).replace("-", "−");

// Messages of one kernel's widget, counted: a page that missed some asks for all. `rows` come as {from, x, columns}.
function append(table, { from, x, columns }) {
  if (from > table.x.length) return false;
  table.x.length = from;
  table.x.push(...x);
  for (const [key, values] of Object.entries(columns)) {
    const column = (table.columns[key] ??= []);
    while (column.length < from) column.push(null);
    column.length = from;
    column.push(...values);
  }
  return true;
}
