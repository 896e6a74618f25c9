/** The public names of the browser client, listed once. */

export const version = "0.1.0";
