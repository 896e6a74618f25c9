/** The net of light that waves throw on the ground. */
import { dice } from "./dice.js";

const TILE = 320;
const GRID = 5;
const JITTER = 0.8;

/** By colour, because they take longest, and do not depend on the size of the window. */
const tiles = new Map();

/** A tile of it, without a seam: the edges between cells. */
export function caustics(light) {
  if (!tiles.has(light)) tiles.set(light, paintCaustics(light, dice(5)));
  return tiles.get(light);
}

function paintCaustics(light, some) {
  const canvas = new OffscreenCanvas(TILE, TILE);
  const pen = canvas.getContext("2d");
  const image = pen.createImageData(TILE, TILE);
  // One cell in each square of a grid, for two that nearly meet would have a bright edge all around them.
  const cells = Array.from({ length: GRID * GRID }, (_, index) =>
    [index % GRID, Math.floor(index / GRID)].map((square) => (square + 0.5 + (some() - 0.5) * JITTER) * (TILE / GRID)),
  );
  const [red, green, blue] = [1, 3, 5].map((at) => Number.parseInt(light.slice(at, at + 2), 16));
  const around = (distance) => Math.min(distance, TILE - distance);
  for (let index = 0; index < TILE * TILE; index += 1) {
    const [column, row] = [index % TILE, Math.floor(index / TILE)];
    const wave = (Math.PI * 2) / TILE;
    const x = (column + Math.sin(row * wave * 3) * 7 + TILE) % TILE;
    const y = (row + Math.sin(column * wave * 2) * 9 + TILE) % TILE;
    let [nearest, next] = [Infinity, Infinity];
    for (const [cellX, cellY] of cells) {
      const distance = Math.hypot(around(Math.abs(x - cellX)), around(Math.abs(y - cellY)));
      if (distance < nearest) [nearest, next] = [distance, nearest];
      else if (distance < next) next = distance;
    }
    const edge = Math.max(0, 1 - (next - nearest) / 15) ** 3;
    image.data.set([red, green, blue, edge * 255], index * 4);
  }
  pen.putImageData(image, 0, 0);
  return canvas;
}
