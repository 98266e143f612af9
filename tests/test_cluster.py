"""A Ray cluster of three nodes on this machine, one of which goes away while it is at work."""

import json
import os
import signal
import time
from collections import Counter

import pytest

from face2nb.data.store import MANIFEST, read_manifest
from face2nb.media.find import find_videos
from face2nb.run.cluster import RayEngine
from face2nb.run.pool import run_jobs

pytest.importorskip("ray", reason="needs the extra: pip install 'face2nb[ray]'")
pytestmark = pytest.mark.cluster

JOB = """
import os, time
from dataclasses import dataclass

@dataclass
class Nothing:
    pass

def slow(video, out, settings):
    import ray
    (out.parent / f"{out.name}.{os.getpid()}.pid").write_text(ray.get_runtime_context().get_node_id())
    time.sleep(0.6)
    result = out.with_name(out.name + "_done.txt")
    result.write_text(video.read_text())
    return dict(status="ok", n_frames=1, files=[result])
"""


@pytest.fixture
def job(tmp_path, monkeypatch):
    "A job that takes its time, in a module that workers find too."
    (tmp_path / "slow_job.py").write_text(JOB)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    import slow_job

    return slow_job


@pytest.fixture
def cluster(job):
    import ray
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args=dict(num_cpus=0, include_dashboard=False))
    nodes = [cluster.add_node(num_cpus=2) for _ in range(2)]
    yield cluster, nodes
    ray.shutdown()
    cluster.shutdown()


def working(folder):
    "(pid, node) of the workers that have left a trace."
    return {int(p.name.split(".")[-2]): p.read_text() for p in folder.glob("*.pid")}


def just_begun(folder, node):
    "The workers of a node that have begun a video so lately that they will be at it for a while."
    traces = [p for p in folder.glob("*.pid") if p.read_text() == node and time.time() - p.stat().st_mtime < 0.3]
    return [int(p.name.split(".")[-2]) for p in traces if not (folder / f"{p.name.split('.')[0]}_done.txt").exists()]


def test_a_node_and_a_worker_are_lost(tmp_path, job, cluster):
    cluster, (stays, goes) = cluster
    (tmp_path / "in").mkdir()
    for n in range(30):
        (tmp_path / "in" / f"{n:02}.mp4").write_text(str(n))
    hit = {}

    def disturb(p):
        # a blow that falls between two videos costs nothing, and would show nothing
        if p.done >= 6 and "worker" not in hit and (busy := just_begun(tmp_path / "out", stays.node_id)):
            hit["worker"] = busy[0]
            os.kill(hit["worker"], signal.SIGKILL)
        if p.done >= 10 and "node" not in hit and just_begun(tmp_path / "out", goes.node_id):
            hit["node"] = goes.node_id
            cluster.remove_node(goes, allow_graceful=False)

    rows = run_jobs(job.slow, find_videos([tmp_path / "in"]), tmp_path / "out", job.Nothing(), engine=RayEngine(cluster.address), progress=disturb, blank=dict(n_frames=0))
    assert hit.keys() == {"worker", "node"} and hit["node"] in working(tmp_path / "out").values()
    assert [r["status"] for r in rows] == ["ok"] * 30
    assert (read_manifest(tmp_path / "out").status == "ok").all()
    videos = Counter(json.loads(line)["video"] for line in (tmp_path / "out" / MANIFEST).read_text().splitlines())
    assert len(videos) == 30 and set(videos.values()) == {1}
    assert [(tmp_path / "out" / f"{n:02}_done.txt").read_text() for n in range(30)] == [str(n) for n in range(30)]
    log = (tmp_path / "out" / "run.log").read_text().splitlines()
    assert sum(" ok " in line for line in log) == 30
    taken = Counter(p.name.split(".")[0] for p in (tmp_path / "out").glob("*.pid"))
    print(f"30 videos, {sum(taken.values()) - 30} taken up again after a worker was lost")
    assert 1 <= sum(taken.values()) - 30 <= 3  # the one of the killed worker, and those of the node
    again = run_jobs(job.slow, find_videos([tmp_path / "in"]), tmp_path / "out", job.Nothing(), engine=RayEngine(cluster.address), resume=True)
    assert {r["resume"] for r in again} == {"unchanged"}
