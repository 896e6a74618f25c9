import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    environment: "node",
    // A rejected promise that nobody awaited fails the run, as a warning fails pytest.
    dangerouslyIgnoreUnhandledErrors: false,
  },
});
