// A figure as SVG in the page's ink: the palette's colours and the paper are replaced by those of the theme.

const WIDER = 1.2, LEAST = 520; // how much wider than it was made a figure may be drawn; pixels under which it is scrolled

export default {
  render({ model, el }) {
    el.classList.add("mtl-picture");
    const root = el.attachShadow({ mode: "open" }), sheet = document.createElement("div"); // names within one figure are its own
    root.append(sheet, document.createElement("slot"));
    let tables = [];
    const fold = numbersOf(el, () => tables), ask = () => { if (fold.open) model.send({ want: "numbers" }); };
    const told = message => { if (message.numbers) { tables = message.numbers; fold.news(); } };
    fold.addEventListener("toggle", ask);
    model.on("msg:custom", told);
    const tint = () => {
      const { dark } = inkOf(el);
      for (const colour of model.get("colours")) el.style.setProperty(`--mtl-${colour[0].slice(1)}`, suits(colour, dark));
    };
    const draw = () => {
      sheet.innerHTML = model.get("value");
      ask();
      const svg = sheet.querySelector("svg");
      if (!svg) return;
      const wide = parseFloat(svg.getAttribute("width")) * (4 / 3); // points to pixels
      Object.assign(svg.style, { display: "block", width: "100%", height: "auto", maxWidth: `${WIDER * wide}px`, minWidth: `${Math.min(LEAST, wide)}px`, fill: "currentColor" });
      svg.setAttribute("role", "img");
      svg.setAttribute("aria-label", "figure; what it shows is in the fold below, in numbers");
    };
    model.on("change:value", draw);
    draw();
    tint();
    const end = whenChanged(el, tint);
    return () => { end(); model.off("change:value", draw); model.off("msg:custom", told); };
  },
};
