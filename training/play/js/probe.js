// One pixel by hand: nine neighbours, nine numbers, nine products and their sum; or four that become one by pooling.
import { element, find, number } from "./dom.js";
import { block, isInside } from "./convolution.js";

// What of the picture lies under the filter at (top, left), row by row; null beyond its edge.
export function neighbours(picture, rows, top, left) {
  return rows.map((row, i) =>
    row.map((_, j) => {
      const [y, x] = [top + i, left + j];
      const isThere = y >= 0 && x >= 0 && y < picture.height && x < picture.width;
      return isThere ? picture.pixels[y * picture.width + x] : null;
    }),
  );
}

function grid(values, caption, shade, text) {
  const cells = (row) =>
    row.map((value) => {
      const cell = element("td", { text: text(value) });
      if (shade && value !== null)
        cell.setAttribute("style", `background:rgb(${value},${value},${value});color:${value > 117 ? "#000" : "#fff"}`);
      return cell;
    });
  return element(
    "table",
    { class: "probe" },
    element("caption", { text: caption }),
    element("tbody", {}, ...values.map((row) => element("tr", {}, ...cells(row)))),
  );
}

function sign(text) {
  return element("span", { class: "sign", "aria-hidden": "true", text });
}

// Pixel (y, x) of the filtered picture, explained. made: {picture, filter, options, out, filtered}
export function explainPixel(made, y, x) {
  const { picture, filter, options, out, filtered } = made;
  const { stride, padding, negatives, int8 } = options;
  const pixel = filtered.pixels[y * filtered.width + x];
  const place = `Row ${y + 1}, column ${x + 1}`;
  if (padding === "margin" && !isInside(picture, filter.rows, y * stride, x * stride)) {
    find("probe").replaceChildren(
      element("p", { text: `${place}: the filter hangs over the edge here, so the pixel stays ${pixel}.` }),
    );
    return;
  }
  const seen = neighbours(picture, filter.rows, y * stride + out.top, x * stride + out.left);
  const products = seen.map((row, i) => row.map((value, j) => (value ?? 0) * filter.rows[i][j]));
  const sum = products.flat().reduce((total, one) => total + one, 0);
  const weighted = filter.weight * sum;
  const value = negatives === "absolute" ? Math.abs(weighted) : weighted;
  const steps = [`sum ${number(sum, 6)}`];
  if (filter.weight !== 1) steps.push(`times the weight ${number(filter.weight, 4)} = ${number(weighted, 6)}`);
  if (negatives === "absolute" && weighted < 0) steps.push(`without its sign ${number(value, 6)}`);
  const end =
    value < 0
      ? "less than 0: the new pixel is 0, black"
      : value > 255
        ? "more than 255: the new pixel is 255, white"
        : `the new pixel is ${pixel}`;
  find("probe").replaceChildren(
    element(
      "div",
      { class: "sums" },
      grid(seen, "pixels", true, (one) => (one === null ? "0" : String(one))),
      sign("\u00d7"),
      grid(filter.rows, "filter", false, (one) => number(one)),
      sign("="),
      grid(products, "products", false, (one) => number(one, 5)),
    ),
    element("p", { text: `${place}: ${steps.join(", ")}; ${end}${int8 ? ", as the chip computes it" : ""}.` }),
  );
}

// Pixel (y, x) of a pooled picture.
export function explainPool(picture, pooled, kind, y, x) {
  const four = block(picture, y, x);
  const made = pooled.pixels[y * pooled.width + x];
  const words = kind === "average" ? "the mean" : "the largest";
  const place = `Row ${y + 1}, column ${x + 1} of the pooled picture`;
  find("probe").replaceChildren(
    element(
      "div",
      { class: "sums" },
      grid([four.slice(0, 2), four.slice(2)], "four pixels", true, String),
      sign("\u2192"),
      grid([[made]], kind === "average" ? "their mean" : "the largest", true, String),
    ),
    element("p", {
      text: `${place}: ${words} of ${four.join(", ")} is ${made}.`,
    }),
  );
}
