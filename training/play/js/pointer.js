// Which pixel of a canvas is pointed at: by mouse or finger, or by the arrow keys once it has the focus.

export function followed(target, pointed, left) {
  const at = { y: 0, x: 0, isSet: false };
  const say = () => pointed(at.y, at.x);
  const move = (event) => {
    const box = target.getBoundingClientRect();
    at.x = limit(Math.floor(((event.clientX - box.left) / box.width) * target.width), target.width);
    at.y = limit(Math.floor(((event.clientY - box.top) / box.height) * target.height), target.height);
    at.isSet = true;
    say();
  };
  target.tabIndex = 0;
  target.addEventListener("pointermove", move);
  target.addEventListener("pointerdown", move);
  target.addEventListener("pointerleave", left);
  target.addEventListener("focus", () => {
    if (!at.isSet) Object.assign(at, { y: target.height >> 1, x: target.width >> 1, isSet: true });
    say();
  });
  target.addEventListener("blur", left);
  target.addEventListener("keydown", (event) => {
    const step = event.shiftKey ? 10 : 1;
    const by = { ArrowLeft: [0, -step], ArrowRight: [0, step], ArrowUp: [-step, 0], ArrowDown: [step, 0] }[event.key];
    if (!by) return;
    event.preventDefault();
    at.y = limit(at.y + by[0], target.height);
    at.x = limit(at.x + by[1], target.width);
    say();
  });
}

function limit(value, size) {
  return Math.min(Math.max(value, 0), size - 1);
}
