/** What docs/comparison.md says before its tables. */

export const introduction = `# Comparison

Written by \`npm run compare\`, which installs the other packages (\`npm ci --prefix bench\`), runs everything below, and
rewrites this file; \`npm run compare -- --check\` fails if the file would change. Beside every row stands the command
that runs just that row and prints, step by step, what was done and seen.

Each cache is set up in one short file, \`bench/peers/<file>.ts\`, with the options that help it most. Time is fake and
stands still unless the experiment moves it; loads answer when the experiment says so. So every number is the same in
every run.

**Experiment 1** asks whose result counts. The source says OLD when a load starts; while that load is in the air the
source changes, and the cache is told in one of five ways:

\`\`\`text
 source   FIRST          OLD                    NEW
            │             │                      │
 load       ▼ (held)      ▼──── in the air ──────┼───────────▶ answers OLD, late
                                                 │
 cache is told                                   ▼ invalidate, set, expire or refresh
 reader                                            ▼ read-after-invalidate     ▼ next    ▼ later
\`\`\`

| | what happens | right is |
|---|---|---|
| invalidate | the value is deleted | all readers after it get NEW |
| read-after-invalidate | it is deleted, and a reader comes before the old load has answered | that reader and all after it get NEW |
| set | SET is put in its place | all readers after it get SET (or NEW) |
| expire | the value is marked as out of date | at the latest the reader after the next one gets NEW: one stale answer is allowed |
| refresh | a refresh is asked for | it, and all readers after it, get NEW |

If that starts a second load, both orders are tried: the old one answers last, or first with a reader between the two; if
one goes wrong, that one is shown. Who waited for the old load before anything happened may get its result: they asked
first. The load in the air is the first one, one that a read of a held value started (ahead of its expiry, behind a stale
value or after the expiry, whichever of these the cache has, in this order), or a refresh that was asked for.

**Experiment 2** asks what an outage costs. A value is held, the source fails at once, and 1000 reads come, one every 5 ms.
*due*: the value has not expired, and a read starts its refresh. *stale*: it has expired and may still be served.
*expired*: it may not be served any more. Right is at most two calls in the first ten reads, and the value for
every reader. An expired value nobody has to get, and few promise to spare the source then: the calls are told, not judged.
After that nobody reads for five minutes, in which what was left running comes to its end.

\`–\` means that a cache does not offer it; nothing is concluded from that. Not every cache below sets out to do what
is judged here, and most are made for many keys and several tiers, which evercurrent is not. What each promises is said
beside its rows. No speed is compared here.
`
