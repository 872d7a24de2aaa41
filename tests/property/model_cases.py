#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Cases of the executable model of time, as lines for time_model_test.

    model_cases.py MODEL CASES SEED

MODEL is the folder of time_model.py and check.py. Each case is one release domain that reads one to three
sources: the logs, then what is done, each commit with all that the model gave since the one before it. The
model's releases are never left half done here: the engine has no such seam."""
import sys

sys.path.insert(0, sys.argv[1])
import check  # noqa: E402
import time_model as model  # noqa: E402

NAMES = [("a", 0), ("b", 0), ("c", 0)]
SUITES = [dict(trouble=False), dict(), dict(idle=True, trouble=False), dict(idle=True), dict(no_clock=True)]
FOREVER = 10**6  # of the steady clock: everything is due by then
lines = []


def say(*words):
    lines.append(" ".join(str(word) for word in words))


def name(source):
    return f"{source[0]} {source[1]}"


def place(point):
    """(time, source, offset, index, ordinal) without what the engine names otherwise"""
    return f"{name(point[1])} {point[2]} {point[3]}"


class Cluster(model.Cluster):
    def __init__(self, logs, ends, fused, idle, hits, workers, clock, new=(), cap=model.INF):
        say("case")
        for source, log in logs.items():
            say("source", name(source), int(source in new))
            # The model dates records, the engine each element of one; where there is nothing before them they may differ.
            log[0] = log[0]._replace(hits=tuple(hit for hit in log[0].hits if hit[0] == 0))
            for r in log:
                say("record", name(source), r.offset, r.stamp, int(r.appended), r.field, len(r.hits),
                    *(word for hit in r.hits for word in hit))
        super().__init__(logs, ends, fused, idle, hits, workers, clock, new, cap)


class Domain(model.Domain):
    busy = False

    def release(self, goal, worker, budget=model.INF):
        if not Domain.busy:
            say("finish")
        super().release(goal, worker)


class Worker(model.Worker):
    def load(self, unit):
        say("load")
        super().load(unit)
        self.dom[unit].looked = False
        for source in self.c.inputs(unit):
            self.src[source].kept_at = None

    def advance(self, domain, budget=model.INF):
        Domain.busy, before = True, Domain.busy
        super().advance(domain)
        Domain.busy = before

    def read_input(self, source, budget=model.INF):
        at, now = self.pos[source], self.c.now
        if self.src[source].kept_at is None:
            self.src[source].kept_at = self.c.steady  # a source begins with the first look at it
        done = super().read_input(source)
        if done:
            say("read", name(source), now if now < model.INF else "-", self.c.steady)
        elif at >= self.c.arrived[source]:
            say("end", name(source), self.offset(source), self.c.steady)
        return done

    def idle(self, source):
        done = super().idle(source)
        if done:
            say("idle", name(source), self.c.steady)
            domain = self.dom["in", source[1]]
            domain.looked = domain.looked or domain.all_idle()
        return done

    def tick(self, domain, extra=0):
        self.c.steady += min(extra, FOREVER)
        if domain.all_idle() and not self.below_P(domain) and not domain.looked:
            domain.at, domain.looked = self.c.steady, True  # a restart adds nothing
        Domain.busy = True
        done = super().tick(domain)
        Domain.busy = False
        if done:
            say("tick", self.c.steady)
        return done

    def commit(self, force=False, final=False):
        out, decisions = list(self.out), list(self.decisions)
        super().commit(force, final)
        if not self.dom:
            return
        say("commit")
        for each in out:
            if each[0] == "single":
                say("single", name(each[1]), each[2], each[3])
            elif each[:2] == ("late", "own"):
                say("own", name(each[2]), each[3])
            elif each[:2] == ("late", "idle"):
                hit = model.Hit(*each[2:])
                say("returned", place(hit[:5]), hit.key)
            elif each[1] == "count":
                say("count", each[2], place(each[3]), "by", place(each[4]))
            else:
                say("absent", each[1], each[3][0])
        for each in decisions:
            if isinstance(each, model.Substitution):
                say("substitution", name(each.source), each.offset, each.time)
            else:
                say("return", name(each.source), each.offset, each.frontier[0] if each.frontier[0] > -model.INF else "-")
        for source in self.c.sources:
            m = self.c.meta[source]
            frontier = m["F"][0] if -model.INF < m["F"][0] else "-"
            say("position", name(source), *(sum(r.offset < m[x] for r in self.c.logs[source]) for x in "CP"), "-" if m["highest"] is None else m["highest"],
                int(m["idle"]), frontier)


model.Cluster, model.Domain, model.Worker = Cluster, Domain, Worker
check.Cluster, check.Domain, check.Worker = Cluster, Domain, Worker


def main():
    cases, seed = int(sys.argv[2]), int(sys.argv[3])
    for i in range(seed, seed + cases):
        size = check.random.Random(i)
        check.scenario(i, mode="fused, two topics", sources=size.choice([1, 2, 3]), names=NAMES, local=False,
                       records=size.choice([1, 2, 3, 5, 8]), **SUITES[i % len(SUITES)])
        print("\n".join(lines))
        lines.clear()


main()
