// A figure as SVG in the page's ink: the palette's colours and the paper are replaced by those of the theme.

const WIDER = 1.2, LEAST = 520; // how much wider than it was made a figure may be drawn; pixels under which it is scrolled

export default {
  render({ model, el }) {
    el.classList.add("mtl-picture");
    const root = el.attachShadow({ mode: "open" }); // the names within one figure are not those of another
    const tint = () => {
      const { dark } = inkOf(el);
      for (const colour of model.get("colours")) el.style.setProperty(`--mtl-${colour[0].slice(1)}`, suits(colour, dark));
    };
    const draw = () => {
      root.innerHTML = model.get("value");
      const svg = root.querySelector("svg");
      if (!svg) return;
      const wide = parseFloat(svg.getAttribute("width")) * (4 / 3); // points to pixels
      Object.assign(svg.style, { display: "block", width: "100%", height: "auto", maxWidth: `${WIDER * wide}px`, minWidth: `${Math.min(LEAST, wide)}px`, fill: "currentColor" });
      svg.setAttribute("role", "img");
    };
    model.on("change:value", draw);
    draw();
    tint();
    const end = whenChanged(el, tint);
    return () => { end(); model.off("change:value", draw); };
  },
};
