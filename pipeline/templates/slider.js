// Moves the edge between the two images of a comparison to where its slider stands.
for (const comparison of document.querySelectorAll(".comparison")) {
  const slider = comparison.querySelector("input[type=range]");
  const move = () => comparison.style.setProperty("--at", `${slider.value}%`);
  slider.addEventListener("input", move);
  move();
}
