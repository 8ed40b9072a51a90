// Six steps for who sees a convolution for the first time: a sentence, a thing to do, a thing to notice.
import { find } from "./dom.js";
import { Steps } from "./steps.js";

const STEPS = [
  {
    says: "A picture is a table of numbers: 0 is black, 255 is white.",
    todo: "Point at the picture, or go to it with the tab key and use the arrow keys.",
    notice: "The nine pixels around the pointer appear below, as numbers on their own grey.",
    set: (room) => room.numbers.named("identity"),
  },
  {
    says: "A filter is nine numbers. Each is multiplied by the pixel below it; the nine products are added up: that is the new pixel.",
    todo: "Change the middle number from 1 to 2.",
    notice: "Everything is twice as bright, and what would pass 255 is cut off at white.",
    set: (room) => room.numbers.named("identity"),
  },
  {
    says: "Numbers that add up to 0 see only changes: even grey becomes black.",
    todo: "Look at \u201cvertical lines\u201d, then choose \u201cdrop the sign\u201d for negative sums.",
    notice: "First only edges that are bright on the right shine; without the sign, those on the left too.",
    set: (room) => room.numbers.named("vertical-lines"),
  },
  {
    says: "The weight keeps the brightness: nine ones add up to 9, so their sum is multiplied by 1/9.",
    todo: "Look at \u201cbox blur\u201d, then set the weight to 0.2.",
    notice: "The mean of nine pixels is a blur. With the larger weight it is a blur that is too bright.",
    set: (room) => room.numbers.named("box-blur"),
  },
  {
    says: "Pooling keeps one pixel of four. The picture is half as wide and half as high, and what the filter found is still there.",
    todo: "Point at the pooled picture. Then choose the mean instead of the largest.",
    notice: "The largest keeps thin lines bright; the mean lets them fade. The numbers along the sides halve.",
    set: (room) => {
      room.numbers.named("vertical-lines");
      find("pooling").value = "max";
    },
  },
  {
    says: "A second filter sees what the first one made, no longer the picture. So a network builds corners from edges, and things from corners.",
    todo: "Look at horizontal lines within vertical lines, then open the network room.",
    notice:
      "Only the ends of edges are left. A trained network does the same with dozens of filters, whose numbers nobody chose: training found them.",
    set: (room) => {
      room.numbers.named("vertical-lines");
      find("pooling").value = "max";
      find("second").value = "horizontal-lines";
    },
  },
];

export class Path {
  constructor(room) {
    this.steps = new Steps("path", STEPS, (step) => {
      find("pooling").value = "";
      find("second").value = "";
      find("negatives").value = "clamp";
      step.set(room);
      room.redraw();
    });
    this.steps.show();
  }
}
