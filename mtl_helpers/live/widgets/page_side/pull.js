// The pull of each task on the shared parameters: arrows as long as λ times the gradient, and the angle between them.

const NS = "http://www.w3.org/2000/svg";

function part(tag, attributes, parent, text = "") {
  const el = document.createElementNS(NS, tag);
  for (const [key, value] of Object.entries(attributes)) el.setAttribute(key, value);
  el.textContent = text;
  parent.append(el);
  return el;
}

function arrow(svg, x0, y0, x1, y1, colour, dash = "") {
  const a = Math.atan2(y1 - y0, x1 - x0), far = Math.hypot(x1 - x0, y1 - y0), head = Math.min(10, far);
  part("line", { x1: x0, y1: y0, x2: x1, y2: y1, stroke: colour, "stroke-width": 3, "stroke-dasharray": dash }, svg);
  const tip = [[0, 0], [-head, head / 2], [-head, -head / 2]].map(([u, v]) => [x1 + u * Math.cos(a) - v * Math.sin(a), y1 + u * Math.sin(a) + v * Math.cos(a)]);
  part("polygon", { points: tip.map(p => p.join()).join(" "), fill: colour }, svg);
}

export default {
  render({ model, el }) {
    el.classList.add("mtl-pull");
    const sheet = el.appendChild(document.createElement("div")), degrees = () => model.get("angle") === null ? [] : [["angle, in degrees", model.get("angle") * 180 / Math.PI]];
    const fold = numbersOf(el, () => [{ title: "pull", heads: ["task", "λ × length of the gradient"], rows: [...model.get("pulls").map(p => [p.task, p.length]), ...degrees()] }]);
    const draw = () => {
      const { ink, dark } = inkOf(el), width = Math.max(240, el.clientWidth), tall = 120;
      const pulls = model.get("pulls"), angle = model.get("angle"), known = pulls.filter(p => p.length !== null);
      const svg = document.createElementNS(NS, "svg");
      for (const [key, value] of Object.entries({ width, height: tall, role: "img", "aria-label": model.get("said"), "font-size": 12, fill: ink })) svg.setAttribute(key, value);
      part("text", { x: 0, y: 12, "font-weight": 600 }, svg, "pull: λ × length of the gradient");
      const longest = Math.max(...known.map(p => p.length), 1e-12);
      if (!known.length) part("text", { x: 0, y: 34 }, svg, "measured with the next validation");
      else if (pulls.length === 2 && angle !== null) {
        const unit = Math.min(width * 0.38, 86) / longest, x0 = width * 0.3, y0 = tall - 14;
        pulls.forEach((pull, i) => {
          const turn = (i ? 1 : -1) * angle / 2 - Math.PI / 2, x = x0 + unit * pull.length * Math.cos(turn), y = y0 + unit * pull.length * Math.sin(turn);
          arrow(svg, x0, y0, x, y, suits(pull.colour, dark), pull.dash);
          part("text", { x: width * 0.56, y: 48 + 18 * i, style: `fill: ${worded(pull.colour, dark)}`, "font-weight": 600 }, svg, `${pull.task} ${short(pull.length)}`);
        });
        part("text", { x: width * 0.56, y: 88 }, svg, `angle ${Math.round(angle * 180 / Math.PI)}°`);
      } else pulls.forEach((pull, i) => {
        const y = 26 + i * Math.min(18, 92 / pulls.length), wide = pull.length === null ? 0 : (width - 150) * pull.length / longest;
        part("rect", { x: 90, y: y - 6, width: wide, height: 9, fill: suits(pull.colour, dark) }, svg);
        part("text", { x: 0, y: y + 2, style: `fill: ${worded(pull.colour, dark)}` }, svg, pull.task.slice(0, 13));
        part("text", { x: 96 + wide, y: y + 2 }, svg, pull.length === null ? "–" : short(pull.length));
      });
      sheet.replaceChildren(svg);
      fold.news();
    };
    model.on("change:pulls", draw);
    draw();
    const end = whenChanged(el, draw);
    return () => { end(); model.off("change:pulls", draw); };
  },
};
