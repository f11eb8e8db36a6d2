// What every drawing of the page needs: the theme's ink, colours that suit it, markers, and when to draw anew.

const DARK_INK = 0.4; // luminance of the text above which the page must be dark

function inkOf(el) {
  const [r, g, b] = (getComputedStyle(el).color.match(/[\d.]+/g) || [0, 0, 0]).map(Number);
  const luminance = (0.2126 * r + 0.7152 * g + 0.0722 * b) / 255;
  return { ink: `rgb(${r},${g},${b})`, dark: luminance > DARK_INK };
}

// A colour is [on light, on dark] or one for both.
const suits = (colour, dark) => (Array.isArray(colour) ? colour[dark ? 1 : 0] : colour);

// Calls draw() when the theme or the width of el changes; returns what ends that.
function whenChanged(el, draw) {
  let theme = JSON.stringify(inkOf(el)), width = el.clientWidth;
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
