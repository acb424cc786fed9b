"""Writes nested event documents, one a line: a social firehose of likes, follows, posts and reposts.

The same seed gives the same file. Users, targets and kinds are skewed as in real streams. Not a
benchmark: json_bench.py reads what this writes.
"""

import argparse
import json
import random
import time

USERS = 200_000
START_US = 1_732_206_349_000_000
SPAN_US = 24 * 3600 * 1_000_000
LETTERS = "abcdefghijklmnopqrstuvwxyz234567"
WORDS = (
    "the a of to and in is it you that he was for on are with as his they be at one have this "
    "from or had by hot but some what there we can out other were all your when up use word how "
    "said an each she which do their time if will way about many then them would write like so "
    "these her long make thing see him two has look more day could go come did my sound no most "
    "number who over know water than call first people may down side been now find any new work "
    "part take get place made live where after back little only round man year came show every"
).split()
LANGS = [["en"]] * 60 + [["ja"]] * 14 + [["pt"]] * 9 + [["de"]] * 5 + [["es"]] * 5
LANGS += [["fr"]] * 3 + [["en", "ja"]] * 2 + [[]] * 2
COLLECTIONS = [
    ("app.bsky.feed.like", 45),
    ("app.bsky.feed.post", 20),
    ("app.bsky.graph.follow", 15),
    ("app.bsky.feed.repost", 12),
    ("app.bsky.graph.block", 4),
    ("app.bsky.feed.threadgate", 2),
    ("app.bsky.actor.profile", 1),
    ("app.bsky.graph.listitem", 1),
]


class Firehose:
    """Makes one event after another."""

    def __init__(self, count, seed):
        self.random = random.Random(seed)
        self.users = [f"did:plc:{self.code(24)}" for _ in range(min(USERS, max(count // 5, 10)))]
        self.now_us = START_US
        self.step_us = 2 * SPAN_US // max(count, 1)
        names = [name for name, weight in COLLECTIONS for _ in range(weight)]
        self.collections = names
        self.posts = []

    def code(self, length):
        return "".join(self.random.choices(LETTERS, k=length))

    def user(self):
        # A power law: few users write most.
        place = int(len(self.users) * self.random.random() ** 3)
        return self.users[place]

    def ref(self):
        """A post, often one that many others refer to."""
        if self.posts and self.random.random() < 0.8:
            return self.posts[int(len(self.posts) * self.random.random() ** 4)]
        ref = {
            "cid": "bafyrei" + self.code(52),
            "uri": f"at://{self.user()}/app.bsky.feed.post/3l{self.code(11)}",
        }
        if len(self.posts) < 50_000:
            self.posts.append(ref)
        return ref

    def text(self):
        return " ".join(self.random.choices(WORDS, k=self.random.randint(3, 40)))

    def image(self):
        blob = {
            "$type": "blob",
            "ref": {"$link": "bafkrei" + self.code(52)},
            "mimeType": "image/jpeg",
            "size": self.random.randint(20_000, 990_000),
        }
        ratio = {"height": self.random.randint(300, 2000), "width": self.random.randint(300, 2000)}
        return {"alt": self.text() if self.random.random() < 0.3 else "",
                "aspectRatio": ratio, "image": blob}

    def embed(self):
        choice = self.random.random()
        if choice < 0.5:
            images = [self.image() for _ in range(self.random.choice([1, 1, 1, 2, 4]))]
            return {"$type": "app.bsky.embed.images", "images": images}
        if choice < 0.85:
            host = self.random.choice(["example.com", "news.example.org", "video.example.net"])
            external = {
                "description": self.text(),
                "title": self.text()[:40],
                "uri": f"https://{host}/{self.code(10)}",
            }
            return {"$type": "app.bsky.embed.external", "external": external}
        return {"$type": "app.bsky.embed.record", "record": self.ref()}

    def post(self, record):
        record["langs"] = self.random.choice(LANGS)
        record["text"] = self.text()
        if self.random.random() < 0.4:
            record["reply"] = {"parent": self.ref(), "root": self.ref()}
        if self.random.random() < 0.3:
            record["embed"] = self.embed()
        if self.random.random() < 0.15:
            end = self.random.randint(5, 60)
            feature = {"$type": "app.bsky.richtext.facet#tag", "tag": self.random.choice(WORDS)}
            index = {"byteEnd": end, "byteStart": end - 5}
            record["facets"] = [{"features": [feature], "index": index}]

    def record(self, collection):
        seconds = time.gmtime(self.now_us // 1_000_000)
        created = time.strftime("%Y-%m-%dT%H:%M:%S", seconds)
        record = {"$type": collection,
                  "createdAt": f"{created}.{self.now_us // 1000 % 1000:03d}Z"}
        if collection in ("app.bsky.feed.like", "app.bsky.feed.repost"):
            record["subject"] = self.ref()
        elif collection == "app.bsky.feed.post":
            self.post(record)
        elif collection == "app.bsky.actor.profile":
            record["displayName"] = self.text()[:20]
            record["description"] = self.text()
        else:
            record["subject"] = self.user()
        return record

    def commit(self):
        collection = self.random.choice(self.collections)
        operation = self.random.choices(["create", "delete", "update"], [90, 8, 2])[0]
        commit = {"rev": "3lb" + self.code(10), "operation": operation,
                  "collection": collection, "rkey": "3lb" + self.code(10)}
        if operation != "delete":
            commit["record"] = self.record(collection)
            commit["cid"] = "bafyrei" + self.code(52)
        return commit

    def event(self):
        self.now_us += self.random.randint(0, self.step_us)
        event = {"did": self.user(), "time_us": self.now_us}
        choice = self.random.random()
        if choice < 0.97:
            event["kind"] = "commit"
            event["commit"] = self.commit()
        else:
            kind = "identity" if choice < 0.99 else "account"
            event["kind"] = kind
            inner = {"did": event["did"], "seq": self.now_us // 1000, "time": str(self.now_us)}
            inner.update({"active": True} if kind == "account" else {"handle": self.code(9)})
            event[kind] = inner
        return event


def write(path, count, seed):
    """Writes the file; answers its bytes."""
    firehose = Firehose(count, seed)
    with open(path, "w", encoding="utf-8") as out:
        for _ in range(count):
            out.write(json.dumps(firehose.event(), separators=(",", ":"), ensure_ascii=False))
            out.write("\n")
        return out.tell()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out")
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    size = write(options.out, options.count, options.seed)
    print(f"{options.count} documents, {size} bytes, {size / options.count:.0f} each")


if __name__ == "__main__":
    main()
