import { expect } from 'chai';
import { LookPace } from '../../../../src/controller/nodes/look-pace.ts';

describe('LookPace', () => {
  it('is two seconds for up to a hundred nodes', () => {
    const pace = new LookPace();
    expect(pace.intervalMs(false)).to.equal(2_000);
    pace.note('alice', 60);
    pace.note('bob', 40);
    expect(pace.intervalMs(false)).to.equal(2_000);
  });

  it('keeps the looks of the process at 50 a second, however many nodes there are', () => {
    const pace = new LookPace();
    for (let index = 0; index < 100; index += 1) pace.note(`network-${index}`, 5);
    expect(pace.intervalMs(false)).to.equal(10_000);
  });

  it('stays two seconds for a network that is cut', () => {
    const pace = new LookPace();
    pace.note('alice', 1_000);
    expect(pace.intervalMs(true)).to.equal(2_000);
  });

  it('counts each network once, and not any more when its chains rest or it is gone', () => {
    const pace = new LookPace();
    pace.note('alice', 500);
    pace.note('alice', 250);
    expect(pace.intervalMs(false)).to.equal(5_000);
    pace.note('alice', 0);
    pace.note('alice', 0);
    expect(pace.intervalMs(false)).to.equal(2_000);
  });
});
