// From the sheet to the network's pixels: what was drawn is made as large as the training pictures' and put where theirs are.

const FAINT = 64; // less bright is not drawn

// The sheet's content, scaled and moved; a canvas.
export function fitted(surface, content) {
  const { ink } = content;
  const box = inkBox(surface);
  if (!box) return surface;
  const times = surface.width / content.width;
  const scale = Math.min(
    (ink.height * times) / (box.bottom - box.top),
    (ink.widest * times) / (box.right - box.left),
    4,
  );
  const made = document.createElement("canvas");
  Object.assign(made, { width: surface.width, height: surface.height });
  const context = made.getContext("2d", { willReadFrequently: true });
  context.fillStyle = "#000";
  context.fillRect(0, 0, made.width, made.height);
  context.imageSmoothingQuality = "high";
  const [middleY, middleX] = [(box.top + box.bottom) / 2, (box.left + box.right) / 2];
  context.translate(ink.middle[1] * times - middleX * scale, ink.middle[0] * times - middleY * scale);
  context.scale(scale, scale);
  context.drawImage(surface, 0, 0);
  return made;
}

function inkBox(surface) {
  const { width, height } = surface;
  const { data } = surface.getContext("2d").getImageData(0, 0, width, height);
  const box = { left: width, right: 0, top: height, bottom: 0 };
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (data[4 * (y * width + x)] <= FAINT) continue;
      box.left = Math.min(box.left, x);
      box.right = Math.max(box.right, x + 1);
      box.top = Math.min(box.top, y);
      box.bottom = y + 1;
    }
  }
  return box.bottom > box.top ? box : null;
}

// The canvas as uint8 (H,W,C): the mean of all pixels that each new one covers; grey is 0.299 R + 0.587 G + 0.114 B.
export function averaged(surface, width, height, channels) {
  const { data } = surface.getContext("2d").getImageData(0, 0, surface.width, surface.height);
  const [across, down] = [surface.width / width, surface.height / height];
  const pixels = new Uint8Array(width * height * channels);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const sum = [0, 0, 0];
      for (let i = 0; i < down; i++) {
        for (let j = 0; j < across; j++) {
          const at = 4 * ((y * down + i) * surface.width + x * across + j);
          for (let c = 0; c < 3; c++) sum[c] += data[at + c];
        }
      }
      const mean = sum.map((one) => one / (across * down));
      const grey = 0.299 * mean[0] + 0.587 * mean[1] + 0.114 * mean[2];
      const at = (y * width + x) * channels;
      for (let c = 0; c < channels; c++) pixels[at + c] = Math.round(channels === 1 ? grey : mean[c]);
    }
  }
  return pixels;
}

// A photograph of something dark on light paper becomes bright on black, with full contrast; one that is so already stays.
export function prepared(context, width, height) {
  const image = context.getImageData(0, 0, width, height);
  const { data } = image;
  const grey = Float32Array.from({ length: width * height }, (_, i) => {
    return 0.299 * data[4 * i] + 0.587 * data[4 * i + 1] + 0.114 * data[4 * i + 2];
  });
  const sorted = grey.slice().sort();
  const at = (share) => sorted[Math.floor(share * (sorted.length - 1))];
  const paper = at(0.5) > 110;
  const [dark, bright] = paper ? [at(0.02), at(0.6)] : [at(0.4), at(0.98)];
  const span = Math.max(bright - dark, 30);
  grey.forEach((value, i) => {
    const share = Math.min(Math.max((value - dark) / span, 0), 1);
    const shown = 255 * (paper ? Math.max(1 - 1.25 * share, 0) : Math.max(1.25 * share - 0.25, 0));
    data.fill(shown, 4 * i, 4 * i + 3);
  });
  context.putImageData(image, 0, 0);
}
