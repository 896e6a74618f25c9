/** One run over one decoder: mutants in, and whatever is no refusal, or slow, comes out as a failure. */
import { RemoteProtocolError } from "../../src/errors.js";
import type { Bytes, Mutator } from "./mutator.js";

const ENVIRONMENT: { readonly INPUTS?: string; readonly SEED?: string } = process.env;

/** How many mutants each decoder is given, and of which seed; INPUTS and SEED in the environment say it otherwise. */
export const INPUTS = Number(ENVIRONMENT.INPUTS ?? 200_000);
export const SEED = Number(ENVIRONMENT.SEED ?? 0);

// An ordinary input may take so many milliseconds, a longer one so much for each of its bytes.
const ORDINARY = 5;
const PER_BYTE = 0.005;
// The machine may be busy: only what is slow as often as this, by the time of the process alone, is slow.
const ATTEMPTS = 3;
const MOST_FAILURES = 10;

export interface Report {
  inputs: number;
  accepted: number;
  readonly failures: string[];
}

/** How an input is written in a failure, so that it can be read again. */
export function replayed(data: Bytes, problem: string): string {
  return `seed ${SEED}: ${problem}; its ${data.length} bytes: ${Buffer.from(data.subarray(0, 4096)).toString("hex")}`;
}

/** Read what is known, then mutants, until there were so many inputs. `read` refuses by RemoteProtocolError alone. */
export function fuzz(read: (data: Bytes) => void, mutator: Mutator, known: readonly Bytes[], inputs = INPUTS): Report {
  const report: Report = { inputs: 0, accepted: 0, failures: [] };
  while (report.inputs < inputs && report.failures.length < MOST_FAILURES) {
    const data = known[report.inputs++] ?? mutator.mutant();
    const begun = performance.now();
    const problem = outcome(read, data);
    const allowed = Math.max(ORDINARY, PER_BYTE * data.length);
    const took = performance.now() - begun;
    if (problem === "accepted") {
      report.accepted++;
      mutator.learn(data);
    } else if (problem) {
      report.failures.push(replayed(data, problem));
    }
    if (took > allowed && leastOf(read, data) > allowed) {
      report.failures.push(replayed(data, `it takes ${took.toFixed(1)} ms`));
    }
  }
  return report;
}

function outcome(read: (data: Bytes) => void, data: Bytes): string {
  try {
    read(data);
    return "accepted";
  } catch (error) {
    return error instanceof RemoteProtocolError ? "" : String(error).slice(0, 300);
  }
}

/** Milliseconds of this process that an input takes: the least of some attempts. */
function leastOf(read: (data: Bytes) => void, data: Bytes): number {
  const spent = Array.from({ length: ATTEMPTS }, () => {
    const before = process.cpuUsage();
    outcome(read, data);
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  });
  return Math.min(...spent);
}
