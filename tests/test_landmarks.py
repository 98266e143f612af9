"""The face mesh and what is derived from it, on real clips and with the real networks, where both are at hand."""

import itertools

import cv2
import numpy as np
import pytest

from face2nb.faces.actions import BLENDSHAPES, Blendshapes, action_units
from face2nb.faces.detect import FaceDetector
from face2nb.faces.landmarks import FaceMesh, OneEuro, head_pose, to_68
from face2nb.media.video import frames

pytest.importorskip("ai_edge_litert", reason="needs the extra: pip install 'face2nb[mesh]'")

# where each of the 68 points is in a mirrored face
MIRRORED = np.r_[16:-1:-1, 26:16:-1, 27:31, 35:30:-1, 45:41:-1, 47, 46, 39:35:-1, 41, 40, 54:47:-1, 59:54:-1, 64:59:-1, 67:64:-1]


@pytest.fixture(scope="module")
def mesh_of(task):
    detector, mesh = FaceDetector("exact", min_face_size=80), FaceMesh()

    def find(rgb):
        "The largest face of a picture, and its mesh."
        faces = detector.detect(rgb[None])[0]
        assert len(faces), "no face"
        return faces.boxes[0], mesh(rgb, faces.boxes[:1], faces.points[:1])

    return find


def between_eyes(mesh):
    return np.linalg.norm(mesh[0, 33, :2] - mesh[0, 263, :2])


def test_points_lie_on_the_face(clips, mesh_of):
    for frame in frames(clips / "vretalk_3.mp4", 8):
        (x1, y1, x2, y2), found = mesh_of(frame.rgb)
        points, w, h = to_68(found.mesh)[0], x2 - x1, y2 - y1
        assert found.presence[0] > 0.99
        # boxes end close to the face: a tenth is left to the jaw
        assert (points > [x1 - 0.1 * w, y1 - 0.1 * h]).all() and (points < [x2 + 0.1 * w, y2 + 0.1 * h]).all()
        assert (points[17:] > [x1, y1]).all() and (points[17:] < [x2, y2]).all()
        assert points[36, 0] < points[39, 0] < points[42, 0] < points[45, 0] and points[8, 1] > points[57, 1] > points[33, 1] > points[27, 1]


@pytest.mark.parametrize("angle", (-25, -10, 10, 25))
def test_roll_is_the_angle_of_the_picture(clips, mesh_of, angle):
    for frame in frames(clips / "vretalk_3.mp4", 3):
        height, width = frame.rgb.shape[:2]
        turn = cv2.getRotationMatrix2D((width / 2, height / 2), angle, 1)
        turned = cv2.warpAffine(frame.rgb, turn, (width, height), borderMode=cv2.BORDER_REPLICATE)
        before, after = head_pose(mesh_of(frame.rgb)[1].mesh)[0], head_pose(mesh_of(turned)[1].mesh)[0]
        assert abs(after[2] - before[2] - angle) < 1 and np.abs((after - before)[:2]).max() < 2.5


@pytest.mark.parametrize("name", ("vretalk_3.mp4", "grid/s30_bbac3n.mpg"))
def test_a_mirror_mirrors(clips, mesh_of, name):
    for frame in frames(clips / name, 4):
        there, back = mesh_of(frame.rgb)[1].mesh, mesh_of(np.ascontiguousarray(frame.rgb[:, ::-1]))[1].mesh
        points = to_68(back)[0, MIRRORED] * [-1, 1] + [frame.rgb.shape[1] - 1, 0]
        apart = np.linalg.norm(points - to_68(there)[0], axis=1) / between_eyes(there)
        assert apart.mean() < 0.025 and apart.max() < 0.08
        assert np.abs(head_pose(back) * [-1, 1, -1] - head_pose(there)).max() < 2.5


def test_presence_is_low_where_no_face_is(clips, mesh_of, task):
    frame = next(frames(clips / "vretalk_3.mp4", 1))
    box, _ = mesh_of(frame.rgb)
    below = np.array([[200, 480, 300, 580]], float)  # her shoulders
    eyes = np.array([[[230, 510], [270, 510], [250, 530], [235, 550], [265, 550]]], float)
    assert FaceMesh()(frame.rgb, below, eyes).presence[0] < 0.5


def test_smoothing_leaves_blinks(clips, mesh_of):
    found = [(f.time, mesh_of(f.rgb)[1].mesh) for f in itertools.islice(frames(clips / "grid/s30_bbac3n.mpg"), 55, None)]
    raw, smooth = np.concatenate([m for _, m in found]).astype(float), OneEuro()
    calm = np.concatenate([smooth(m, t, [0]) for t, m in found])
    trembling = [np.abs(np.diff(m[:, :, :2], 3, axis=0)).mean() for m in (raw, calm)]
    eyelids = [np.ptp(np.linalg.norm(m[:, 159, :2] - m[:, 145, :2], axis=1)) for m in (raw, calm)]
    assert trembling[1] < 0.5 * trembling[0] and eyelids[1] > 0.9 * eyelids[0]


def test_blinks_and_open_mouths_are_seen(clips, mesh_of):
    "The pictures show the mouth widest at 1.9 s, and one blink, at 2.55 s."
    found = [(f.time, mesh_of(f.rgb)[1].mesh) for f in frames(clips / "grid/s30_bbac3n.mpg", 25)]
    times, meshes = np.array([t for t, _ in found]), np.concatenate([m for _, m in found])
    units = action_units(Blendshapes()(meshes))
    blink, jaw = units["AU45"], units["AU26"]
    assert abs(times[blink.argmax()] - 2.55) < 0.15 and blink.max() > 0.6 and blink[times < 2.3].max() < 0.3
    assert abs(times[jaw.argmax()] - 1.9) < 0.15 and jaw.max() > 3 * jaw[times > 2.2].max()
    size = np.linalg.norm(meshes[:, 33, :2] - meshes[:, 263, :2], axis=1)
    lips, lids = (np.linalg.norm(meshes[:, a, :2] - meshes[:, b, :2], axis=1) / size for a, b in ((13, 14), (159, 145)))
    assert np.corrcoef(units["AU25"], lips)[0, 1] > 0.9 and np.corrcoef(blink, lids)[0, 1] < -0.9


def test_left_is_the_persons_own(clips, mesh_of):
    "A mirror swaps the two sides."
    blendshapes = Blendshapes()
    left, right = (BLENDSHAPES.index(f"mouthSmile{side}") for side in ("Left", "Right"))
    for frame in frames(clips / "vretalk_3.mp4", 3):
        there, back = (blendshapes(mesh_of(np.ascontiguousarray(rgb))[1].mesh)[0] for rgb in (frame.rgb, frame.rgb[:, ::-1]))
        assert abs(there[left] - back[right]) < 0.15 and abs(there[right] - back[left]) < 0.15
