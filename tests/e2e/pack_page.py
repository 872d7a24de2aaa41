#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The exchange-cluster pack against a naive reading of its articles, on random streams.

Each stream is a server or cluster of its own with events at random times, many of them exactly at the edge of a
window or just beyond it. All streams go through one replay, a little out of order, their messages mangled and computers
spelt in several ways; what each is told must be what the reading gives, which looks back over the whole stream at
every event. FAULTLINE names the program; FAULTLINE_SEED and FAULTLINE_CASES (streams per article, 60) choose other
streams.
"""
import datetime
import json
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
BASE = datetime.datetime(2026, 3, 2, tzinfo=datetime.timezone.utc)
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000  # times are milliseconds from BASE


def event(at, computer, channel, provider, number, message):
    time = BASE + datetime.timedelta(milliseconds=at)
    return {"@timestamp": time.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at % 1000:03}Z", "Channel": channel,
            "Provider_Name": provider, "EventID": number, "Computer": computer, "Message": message}


def system(at, computer, number, message):
    return event(at, computer, "System", "ClusSvc", number, message)


def application(at, computer, provider, number, message):
    return event(at, computer, "Application", provider, number, message)


class Article:
    """Streams of (time, kind); how they are logged, and what is to be told of them."""

    def stream(self, dice):
        at, told = 0, []
        for _ in range(dice.randint(2, self.longest)):
            at += dice.choice(self.gaps) + dice.choice((0, 0, 1))
            told.append((at, dice.choice(self.kinds)))
            at += 1  # two events of one stream never share their time
        return told


class Q188674(Article):
    name, longest = "q188674", 30
    gaps = (1000, MINUTE, 5 * MINUTE, 10 * MINUTE, HOUR)
    kinds = ("failed", "lost", "lost -550", "checkpoint")
    rules = {"ds-restore-checkpoint": ""}

    def log(self, number, stream):
        texts = {"failed": (1042, "Cluster generic service 'Microsoft Exchange Directory' failed."),
                 "checkpoint": (1024, "The registry checkpoint for cluster resource Directory could not be restored "
                                      r"to registry key SYSTEM\CurrentControlSet\Services\MSExchangeDS. More.")}
        for at, kind in stream:
            if kind in texts:
                yield system(at, f"D{number}", *texts[kind])
            else:
                yield application(at, f"D{number}", "MSExchangeDS", 1002, "The database (EDB) could not be "
                                  f"initialized, error {'-550' if ' ' in kind else '-528'}. Unrecoverable error.")

    def group(self, number):
        return {"Computer": f"D{number}"}

    def expect(self, stream):
        window = 10 * MINUTE

        def both(now, strictly):
            return all(any(other == kind and now - window <= at <= now and (at < now or not strictly)
                           for at, other in stream) for kind in ("failed", "lost"))

        moments = [(at, "firing", "") for at, kind in stream
                   if kind in ("failed", "lost") and both(at, False) and not both(at, True)]
        applied = [at + window for at, kind in stream if kind == "checkpoint" and not any(
            other in ("failed", "lost") and at < then <= at + window for then, other in stream)]
        told, is_open = [], False
        for moment in sorted(moments + [(at, "resolved", "") for at in applied]):
            if moment[1] == "firing" or is_open:
                told.append(moment)
            is_open = moment[1] == "firing"
        return told


class Q316772(Article):
    name, longest = "q316772", 30
    gaps = (1000, HOUR, 12 * HOUR, DAY)
    kinds = ("MSExchangeIMC", r"MSExchangeIMC\Parameters", r"MSExchangeIS\ParametersSystem", "MSExchangeDS", "Other")
    rules = {"imc-checkpoint-locked": ""}

    def log(self, number, stream):
        for at, kind in stream:
            yield system(at, f"I{number}", 1024, "The registry checkpoint for cluster resource Mail could not be "
                         rf"restored to registry key SYSTEM\CurrentControlSet\Services\{kind}. More.")

    def group(self, number):
        return {"Computer": f"I{number}", "resource": "Mail"}

    def expect(self, stream):
        told = []
        for at, kind in stream:
            if kind.startswith("MSExchangeI") and (not told or at > told[-1][0] + DAY):
                told.append((at, "firing", ""))
        return told


class Q906154(Article):
    name, longest = "q906154", 60
    gaps = (1000, MINUTE, 2 * MINUTE, 5 * MINUTE, 5 * MINUTE, 10 * MINUTE, 30 * MINUTE, 6 * HOUR, DAY - HOUR)
    signatures = ("sa", "mu 1043", "mu 1042", "pop", "imap", "timeout", "online", "store")
    kinds = signatures * 2 + ("mu denied", "demoted")
    rules = {"sa-not-online": ""}

    def log(self, number, stream):
        update, protocol = "Metabase Update failed to ", "An error occurred while starting the Microsoft Exchange "
        controller = update + "read the Configuration namespace property from the domain controller. Error code is "
        failed = "failed to start with error 5"
        attendant = "Exchange System Attendant: failed to bring the resource online"
        texts = {
            "sa": ("MSExchangeSA", 1031, "One of the System Attendant's tasks is blocked."),
            "mu 1043": ("MSExchangeMU", 1043, update + "initialize enumerator of virtual server on cluster database. "
                                                       "Error code is error 800706b5."),
            "mu 1042": ("MSExchangeMU", 1042, controller + "80040a01."),
            "mu denied": ("MSExchangeMU", 1042, controller + "80070005."),
            "pop": ("POP3SVC", 1036, protocol + "POP3 Service: server instance number 1 " + failed),
            "imap": ("IMAP4SVC", 1036, protocol + "IMAP4 Service: server instance number 1 " + failed),
            "timeout": ("MSExchangeCluster", 1019, attendant + " because of timeout"),
            "online": ("MSExchangeCluster", 1003, attendant),
            "store": ("MSExchangeCluster", 1012, "Exchange Information Store Instance: the RPC call to take the "
                                                 "resource offline failed")}
        for at, kind in stream:
            if kind == "demoted":
                yield event(at, f"A{number}", "System", "LSASRV", 29224, "This server is no longer a domain controller")
            else:
                yield application(at, f"A{number}", *texts[kind])

    def group(self, number):
        return {"cluster": f"A{number}"}

    def expect(self, stream):
        def holds(now, strictly):
            seen = {"mu 1042" if kind == "mu denied" else kind for at, kind in stream
                    if kind != "demoted" and now - 30 * MINUTE <= at <= now and (at < now or not strictly)}
            return len(seen) >= 5 and seen & {"timeout", "online"} and seen & {"mu 1042", "mu 1043"}

        def seen(kind, now, window):
            return any(other == kind and now - window <= at <= now for at, other in stream)

        return [(at, "firing", "demoted" if seen("demoted", at, DAY) else
                 "access-denied" if seen("mu denied", at, 30 * MINUTE) else "root-version")
                for at, kind in stream if kind != "demoted" and holds(at, False) and not holds(at, True)]


class Event2058(Article):
    name, longest = "event2058", 60
    gaps = (1000, 30_000, MINUTE, 5 * MINUTE, 2 * HOUR, DAY, 7 * DAY)
    kinds = tuple(f"{what} {node}" for node in "ab" for what in (
        "online G", "online G", "online H", "offline G", "removed", "quorum", "failed G", "network", "mount", "reseed",
        "reseed"))
    rules = {"reseed-failed": "base ", "reseed-failed-after-failover": ""}

    def node(self, number, letter):
        return f"R{number}{letter}"

    def log(self, number, stream):
        for at, kind in stream:
            what, node = kind.rsplit(" ", 1)
            here, other = self.node(number, node), self.node(number, "ba"["ab".index(node)])
            if what.startswith(("online", "offline")):
                word, group = what.split()
                yield system(at, here, 1201 if word == "online" else 1204,
                             f'The Cluster Service brought the Resource Group "{group}" {word}.')
            elif what == "removed":  # `node` is; the other one says so
                yield system(at, other, 1135, f"Cluster node {here} was removed from the active cluster membership.")
            elif what == "quorum":
                yield system(at, here, 1177, "The cluster service is shutting down because quorum was lost.")
            elif what == "failed G":
                yield system(at, here, 1069, "Cluster resource 'Disk' in Resource Group 'G' failed.")
            elif what == "network":
                yield system(at, here, 1123, f"The node lost communication with cluster node '{other}' on network 'W'.")
            elif what == "mount":
                yield application(at, here, "ESE", 9523, 'The database "X" was started.')
            else:
                yield application(at, here, "MSExchangeRepl", 2058, "It was unable to perform an incremental re-seed "
                                  "of the passive node for S. The specific error code returned is: 5.")

    def group(self, number):
        return {"cluster": f"R{number}", "storage_group": "S"}

    def expect(self, stream):
        failovers, owner = [], {}  # of each failover: time, group, former owner, since when, whether split
        for at, kind in stream:
            if not kind.startswith("online"):
                continue
            _, group, node = kind.split()
            former, since = owner.get(group, (None, None))
            if former is not None and at - since > 400 * DAY:
                former = None
            if former not in (None, node):
                lost = {f"{what} {former}" for what in (f"offline {group}", f"failed {group}", "removed", "quorum")}
                split = not any(since < then < at and other in lost for then, other in stream)
                failovers.append((at, former, split))
            owner[group] = (node, at)
        told, reseeds = [], []
        for at, kind in stream:
            if not kind.startswith("reseed"):
                continue
            recent = [one for one in failovers if at - 7 * DAY <= one[0] < at]
            own = [one for one in recent if one[1] == kind[-1]]
            # What was told in the hour before is not told again.
            before = [explained for then, explained in reseeds if at - HOUR <= then]
            if recent and True not in before:
                told.append((at, "firing", self.cause(stream, at, (own or recent)[-1])))
            elif not recent and not before:
                told.append((at, "firing", "base "))
            reseeds.append((at, bool(recent)))
        return told

    def cause(self, stream, reseed, failover):
        at, _, split = failover

        def near(*words):
            return any(kind.startswith(words) and abs(then - at) <= MINUTE and then <= reseed for then, kind in stream)

        if near("network") and near("removed", "quorum", "failed"):
            return "double-failure"
        if split:
            return "split-brain"
        if any(kind.startswith("mount") and at + 5 * MINUTE < then < reseed for then, kind in stream):
            return "manual-mount"
        return "node-returned"


class Q201414(Article):
    name, longest = "q201414", 40
    gaps = (MINUTE, 10 * MINUTE, 30 * MINUTE, HOUR, HOUR, 2 * HOUR, 4 * HOUR, 12 * HOUR, DAY)
    kinds = (("busy",) * 2 + tuple(f"request {usn}" for usn in (1900, 2501, 2502, 5000, 200_000, 2**53 + 5)) +
             tuple(f"observed {usn}" for usn in (1401, 1501, 2501, 4000, 2**53 + 3)))
    rules = {"ds-restored-behind": "restored ", "ds-usn-behind": "behind "}

    def log(self, number, stream):
        for at, kind in stream:
            what, _, usn = kind.partition(" ")
            if what == "observed":
                yield application(at, f"U{number}", "ds_usn_observed", 1, "") | {"USNChanged": usn}
            elif what == "busy":
                yield application(at, f"U{number}", "MSExchangeDS", 1173, "A privileged operation (rights required = "
                                  "0x4) on object  failed because a non-security related error occurred.")
            else:
                yield application(at, f"U{number}", "MSExchangeDS", 1224, "Fatal replication error (Internal ID "
                                  f"3030174). Parameters {32 * 'a'} {usn}.")

    def group(self, number):
        return {"Computer": f"U{number}"}

    def expect(self, stream):
        told, is_open = [], {}  # of an open incident: since when own values count, the highest request
        run, last = [], None  # requests without four quiet hours between them
        restored = None  # the latest 1173; those that come while requests after one go on belong to that one
        for at, kind in stream + [(10**15, "end")]:
            if last is not None and at > last + 4 * HOUR:
                for which, (since, requested) in sorted(is_open.items()):
                    if which == "restored ":
                        told.append((last + 4 * HOUR, "resolved",
                                     which + self.numbers(stream, since, last + 4 * HOUR, requested)))
                    else:  # what its own values of the last 24 hours are then is another question
                        told.append((last + 4 * HOUR, "resolved", which))
                is_open, run, last = {}, [], None
            if kind == "busy" and "restored " not in is_open:
                restored = at
            if not kind.startswith("request"):
                continue
            last, usn = at, int(kind.split()[1])
            run.append((at, usn))
            is_open = {which: (since, max(requested, usn)) for which, (since, requested) in is_open.items()}
            busy = [then for then, other in stream if other == "busy" and then <= at]
            if busy and busy[-1] >= at - DAY:
                if "restored " not in is_open:
                    is_open["restored "] = (restored, usn)
                    told.append((at, "firing", "restored " + self.numbers(stream, restored, at, usn)))
            elif sum(then >= at - HOUR for then, _ in run) >= 3 and "behind " not in is_open:
                highest = max(usn for _, usn in run)
                is_open["behind "] = (at - DAY, highest)
                told.append((at, "firing", "behind " + self.numbers(stream, at - DAY, at, highest)))
        return told

    def numbers(self, stream, since, now, requested):
        """The variant, and the amount for AUTHREST where there is one."""
        own = [int(kind.split()[1]) for at, kind in stream if kind.startswith("observed") and since <= at <= now]
        if not own:
            return "no-own-value"
        discrepancy = requested - max(own)
        amount = discrepancy + max(own) - min(own) + 500
        if discrepancy <= 0:
            return "other-cause"
        return f"{'small' if discrepancy <= 1000 else 'storm' if amount > 100_000 else 'behind'} {amount}"


def mangled(message, dice):
    """As message tables and collectors may leave it: wrapped anywhere, in other letter case, with a text behind it."""
    if not message:
        return message
    case = dice.choice((str, str, str.lower, str.upper))
    words = [case(word) if len(word) > 4 else word for word in message.split(" ")]
    text = words[0] + "".join(dice.choice((" ", " ", "  ", "\t", "\r\n")) + word for word in words[1:])
    return text + dice.choice(("", "\r\n", "\r\nFor more information, see Help and Support Center."))


def arrived(events, dice):
    """The events as they arrive: each less than the lateness of ten seconds after it happened."""
    for one in events:
        one["Message"] = mangled(one["Message"], dice)
        name = one["Computer"]
        one["Computer"] = dice.choice((name, name.lower(), f"{name.lower()}.corp.example"))
    return sorted(events, key=lambda one: datetime.datetime.fromisoformat(one["@timestamp"].replace("Z", "+00:00")) +
                  datetime.timedelta(milliseconds=dice.randrange(9_900)))


def told_by(program, pack, folder, events, clusters):
    """(rule, group) -> [(time, status, variant)]."""
    (folder / "cluster.csv").write_text("computer,cluster\n" + "".join(f"{n},{c}\n" for n, c in clusters))
    (folder / "events.ndjson").write_text("".join(json.dumps(one) + "\n" for one in events))
    command = [program, "replay", "--quiet", "--rules", pack, "--set", f"rules.lookups.cluster={folder}/cluster.csv",
               "--set", "alerts.max_per_rule=0", folder / "events.ndjson"]
    told = {}
    for line in subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout.splitlines():
        alert = json.loads(line)
        if alert["status"] == "updated" or alert["rule"]["name"] == "checkpoint_not_restored":
            continue
        time = datetime.datetime.fromisoformat(alert["time"].replace("Z", "+00:00"))
        at = round((time - BASE) / datetime.timedelta(milliseconds=1))
        key = (alert["rule"]["name"], json.dumps(alert["group"], sort_keys=True))
        amount = re.search(r"Run AUTHREST 0 \d+", " ".join(alert["explanation"].get("remedy", [])))
        told.setdefault(key, []).append((at, alert["status"], alert.get("variant", "") +
                                         (amount[0][len("Run AUTHREST 0"):] if amount else "")))
    return told


def main():
    seed = int(os.environ.get("FAULTLINE_SEED", "1"))
    cases = int(os.environ.get("FAULTLINE_CASES", "60"))
    print(f"FAULTLINE_SEED={seed} FAULTLINE_CASES={cases}")
    dice = random.Random(seed)
    articles = [Q188674(), Q316772(), Q906154(), Event2058(), Q201414()]
    streams = [(article, number, article.stream(dice)) for article in articles for number in range(cases)]
    events = [one for article, number, stream in streams for one in article.log(number, stream)]
    clusters = [(f"R{number}{node}", f"R{number}") for number in range(cases) for node in "ab"]
    with tempfile.TemporaryDirectory() as folder:
        told = told_by(os.environ["FAULTLINE"], ROOT / "packs/exchange-cluster", pathlib.Path(folder),
                       arrived(events, dice), clusters)
    faults, total = 0, 0
    for article, number, stream in streams:
        expected = article.expect(stream)
        total += len(expected)
        got = []
        for rule, mark in article.rules.items():
            for at, status, variant in told.get((rule, json.dumps(article.group(number), sort_keys=True)), []):
                got.append((at, status, mark if (mark, status) == ("behind ", "resolved") else mark + variant))
        if sorted(got) != sorted(expected):
            faults += 1
            print(f"{article.name}, stream {number}: {stream}\n  missing {sorted(set(expected) - set(got))}\n"
                  f"  more    {sorted(set(got) - set(expected))}")
    print(f"{len(streams)} streams, {len(events)} events, {total} alerts expected, {faults} streams differ")
    return 1 if faults or total < cases else 0


if __name__ == "__main__":
    sys.exit(main())
