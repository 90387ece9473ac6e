// What the pages gain with scripts: focus on errors, a readable point under the arrow keys. Nothing depends on it.
const summary = document.querySelector("[data-focus]");
if (summary) summary.focus();

for (const box of document.querySelectorAll("[data-plot]")) {
  const rows = [...document.querySelectorAll(`#${box.dataset.plot} tbody tr`)];
  const plot = box.querySelector("svg.plot");
  const out = box.querySelector(".readout");
  if (!rows.length || !plot || !out) continue;
  const times = rows.map((row) => Number(row.dataset.time));
  const first = Number(box.dataset.start);
  const last = Number(box.dataset.end);
  const left = Number(box.dataset.left);
  const right = Number(box.dataset.right);
  const cursor = document.createElementNS("http://www.w3.org/2000/svg", "line");
  cursor.setAttribute("class", "cursor");
  cursor.setAttribute("y1", "6%");
  cursor.setAttribute("y2", "88%");
  let at = -1;

  const show = (index) => {
    at = Math.max(0, Math.min(rows.length - 1, index));
    const x = `${left + ((times[at] - first) / (last - first)) * (right - left)}%`;
    cursor.setAttribute("x1", x);
    cursor.setAttribute("x2", x);
    if (!cursor.parentNode) plot.append(cursor);
    out.textContent = [...rows[at].cells].map((cell) => cell.textContent.trim()).join(" · ");
  };
  const nearest = (time) => {
    let low = 0;
    let high = times.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (times[middle] < time) low = middle + 1;
      else high = middle;
    }
    return low && time - times[low - 1] < times[low] - time ? low - 1 : low;
  };

  plot.setAttribute("tabindex", "0");
  plot.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -20, PageDown: 20 }[event.key];
    if (step) show(at + step);
    else if (event.key === "Home") show(0);
    else if (event.key === "End") show(rows.length - 1);
    else return;
    event.preventDefault();
  });
  plot.addEventListener("pointermove", (event) => {
    const frame = plot.getBoundingClientRect();
    const share = (((event.clientX - frame.left) / frame.width) * 100 - left) / (right - left);
    show(nearest(first + share * (last - first)));
  });
}
