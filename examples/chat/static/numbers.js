/** Counting in time: `each(number)` is called for 1, 2, 3, ... `to`, so many times per second. */
export function countTo(to, rate, each) {
  const began = performance.now();
  let number = 0;
  const timer = setInterval(() => {
    // By the clock, because a browser lets the timers of a hidden page wait.
    const due = Math.min(to, 1 + Math.floor(((performance.now() - began) * rate) / 1000));
    while (number < due) each(++number);
    if (number >= to) clearInterval(timer);
  }, 1000 / rate);
}
