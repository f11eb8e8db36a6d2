// Starts reveal.js, and sets each slide as large as it fits; a test says how small at most.
const LARGEST = 1.4, SMALLEST = 0.5;

function fit(slide) {
  const box = slide?.querySelector(":scope > .fit");
  if (!box) return;
  const room = 720 - box.offsetTop - 14;
  const fits = size => { box.style.fontSize = `${size}em`; return box.scrollHeight <= room && box.scrollWidth <= box.clientWidth; };
  if (fits(LARGEST)) return;
  let [fitting, too_large] = [SMALLEST, LARGEST];
  while (too_large - fitting > 0.02) {
    const middle = (fitting + too_large) / 2;
    if (fits(middle)) fitting = middle; else too_large = middle;
  }
  fits(fitting);
}

Reveal.on("ready", ({ currentSlide }) => fit(currentSlide));
Reveal.on("slidechanged", ({ currentSlide }) => fit(currentSlide));
const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
Reveal.initialize({ width: 1280, height: 720, margin: 0, center: false, hash: true, slideNumber: "c/t", transition: still ? "none" : "slide",
  backgroundTransition: "none", plugins: [RevealNotes] });
