/** The colours of the water and of what is in it, by day and by night. */

const SKINS = {
  coral: { skin: "#ee6c3f", patch: "#fff1e2", fin: "#f7a27f" },
  amber: { skin: "#eaa92b", patch: "#fff4d8", fin: "#f4cd77" },
  pearl: { skin: "#f3eee3", patch: "#e2572f", fin: "#fbf8f1" },
  moss: { skin: "#6f9a48", patch: "#e6dfae", fin: "#a9c285" },
  sky: { skin: "#4f94cf", patch: "#eef6fd", fin: "#9cc6ea" },
  plum: { skin: "#a4588f", patch: "#f6dcec", fin: "#cf9cc1" },
};

const WATERS = {
  lily: {
    day: { shallow: "#c4e5da", deep: "#7cbcae", light: "#ffffff", bed: "#5f9f8c" },
    night: { shallow: "#14403f", deep: "#081e22", light: "#a8e6d8", bed: "#0b2c2d" },
  },
  stone: {
    day: { shallow: "#d5e5ea", deep: "#8fb4c6", light: "#ffffff", bed: "#7b9aa8" },
    night: { shallow: "#1b3345", deep: "#0a1621", light: "#b3d4ee", bed: "#13222f" },
  },
};

const SURFACES = {
  day: {
    ink: "#123a36",
    halo: "#ffffffb0",
    shadow: "#0b3a3a",
    ring: "#ffffff",
    leaf: "#5c9c58",
    vein: "#7fb974",
    petal: "#fbdde6",
    heart: "#f2c14e",
    flake: "#b4682a",
    crust: "#f6cd8a",
    pebble: ["#9fb0b4", "#b9c4c3", "#8899a0", "#c9cbc1"],
  },
  night: {
    ink: "#e3f3ee",
    halo: "#04141799",
    shadow: "#000000",
    ring: "#cdeee6",
    leaf: "#1f5340",
    vein: "#2f6b50",
    petal: "#c9a3b8",
    heart: "#b98d3a",
    flake: "#d99a4e",
    crust: "#ffe0a6",
    pebble: ["#2b3d4a", "#364956", "#22323e", "#404f58"],
  },
};

export const skinOf = (colour) => SKINS[colour];

/** All colours of one pond, for what the system prefers now. */
export function paletteOf(pond) {
  const time = darkness.matches ? "night" : "day";
  return { ...WATERS[pond][time], ...SURFACES[time], night: time === "night" };
}

export const darkness = matchMedia("(prefers-color-scheme: dark)");
