// Lines are switched on and off by their names, and the nearest point tells what it is. Without this script
// the figures are what they are on paper.
document.querySelectorAll("figure svg").forEach(svg => {
  const groups = [...svg.querySelectorAll("g.series, g.band")];
  const keys = [...svg.querySelectorAll("g.key")];
  if (!svg.querySelector("g.series")) return;
  const named = (all, name) => all.filter(group => group.dataset.name === name);
  const off = name => named(keys, name).some(key => key.getAttribute("aria-pressed") === "false");
  keys.forEach(key => {
    const name = key.dataset.name;
    key.setAttribute("role", "button");
    key.setAttribute("tabindex", "0");
    key.setAttribute("aria-pressed", "true");
    key.setAttribute("aria-label", name);
    const turn = () => {
      const gone = !off(name);
      named(keys, name).forEach(key => key.setAttribute("aria-pressed", String(!gone)));
      named(groups, name).forEach(group => group.classList.toggle("off", gone));
    };
    key.addEventListener("click", turn);
    key.addEventListener("keydown", event => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      turn();
    });
    const only = on => groups.concat(keys).forEach(group =>
      group.classList.toggle("dim", on && group.dataset.name !== name));
    key.addEventListener("pointerenter", () => only(true));
    key.addEventListener("pointerleave", () => only(false));
  });

  const figure = svg.closest("figure");
  const tip = document.createElement("div");
  tip.className = "tip";
  tip.setAttribute("role", "status");
  figure.append(tip);
  const ring = document.createElementNS("http://www.w3.org/2000/svg", "circle");
  ring.setAttribute("r", "7");
  ring.setAttribute("class", "ring");
  svg.append(ring);
  const series = groups.filter(group => group.classList.contains("series")).map(group => ({
    group,
    points: group.dataset.p.split(";").filter(Boolean).map(point => point.split(","))
  }));
  const hide = () => { tip.style.display = ring.style.display = "none"; };
  hide();
  svg.addEventListener("pointerleave", hide);
  const look = event => {
    const matrix = svg.getScreenCTM();
    if (!matrix) return;
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(matrix.inverse());
    let best = null, near = 20 * 20;
    for (const one of series) {
      if (one.group.classList.contains("off")) continue;
      for (const point of one.points) {
        const [dx, dy] = [point[0] - at.x, point[1] - at.y];
        if (dx * dx + dy * dy < near) {
          near = dx * dx + dy * dy;
          best = { group: one.group, point };
        }
      }
    }
    if (!best) return hide();
    const { group, point } = best;
    const [px, py, x, y, ...rest] = point;
    const n = rest.length % 2 ? rest.pop() : "";
    const interval = rest.length && rest[0] !== rest[1] ? ` [${rest[0]}, ${rest[1]}]` : "";
    tip.textContent = "";
    const name = document.createElement("b");
    name.textContent = group.dataset.name;
    tip.append(name, `${group.dataset.x} ${x}`, document.createElement("br"),
      `${group.dataset.y} ${y}${interval}${n && `, n = ${n}`}`);
    ring.setAttribute("cx", px);
    ring.setAttribute("cy", py);
    tip.style.display = ring.style.display = "block";
    const box = figure.getBoundingClientRect();
    const left = Math.min(event.clientX - box.left + 14, box.width - tip.offsetWidth - 4);
    tip.style.left = `${Math.max(0, left)}px`;
    tip.style.top = `${event.clientY - box.top + 16}px`;
  };
  svg.addEventListener("pointermove", look);
  svg.addEventListener("pointerdown", look);
});
