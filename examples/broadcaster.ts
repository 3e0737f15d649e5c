// One broadcaster, two watchers, no cluster: `npm run example -- broadcaster`.
import { Broadcaster } from 'bitcoin-controller/broadcaster';

await using tips = new Broadcaster<{ height: number }>({ queueLength: 10 });
const slow = tips.watch();
tips.watch().results.subscribe(({ object }) => {
  console.log('at once', object.height);
});

for (const height of [901_000, 901_001, 901_002]) await tips.action('MODIFIED', { height });
await tips.shutdown();

for await (const { type, object } of slow) console.log('in its own time', type, object.height);
