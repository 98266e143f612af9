"""Milliseconds a face takes in each part of an annotation, on one core.

    python benchmarks/bench_annotate.py [CLIP ...]       without clips, on the demo clip

The encoder runs with random weights, which take as long as others. Medians over the faces of a clip, after a warm-up.
"""

import statistics, sys, time

from bench_extract import pin


def measure(clip, most=60):
    "Milliseconds a face, by part."
    import torch
    from facenet_pytorch.models.inception_resnet_v1 import InceptionResnetV1

    from face2nb.faces.actions import Blendshapes, action_units
    from face2nb.faces.detect import FaceDetector
    from face2nb.faces.encoder import cut_faces
    from face2nb.faces.landmarks import FaceMesh, head_pose, to_68
    from face2nb.faces.quality import face_quality
    from face2nb.media.video import frames

    encoder = InceptionResnetV1(pretrained=None, classify=False).eval().to(memory_format=torch.channels_last)
    detector, mesh, blendshapes, took = FaceDetector("guided"), FaceMesh(), Blendshapes(), {}

    def timed(part, n, do, *args):
        begin = time.perf_counter()
        result = do(*args)
        took.setdefault(part, []).append(1000 * (time.perf_counter() - begin) / n)
        return result

    def encode(crops):
        with torch.inference_mode():
            return encoder((torch.from_numpy(crops).permute(0, 3, 1, 2).float() - 127.5) / 128)

    for picture, faces in detector.detect_video(frames(clip, most, threads=1)):
        n = len(faces)
        if not n:
            continue
        found = timed("mesh of 478 points", n, mesh, picture.rgb, faces.boxes, faces.points)
        timed("68 points", n, to_68, found.mesh)
        timed("head pose", n, head_pose, found.mesh)
        values = timed("blendshapes", n, blendshapes, found.mesh)
        timed("action units from blendshapes", n, action_units, values)
        timed("quality", n, face_quality, picture.rgb, faces.boxes, faces.points)
        crops = timed("cutting for the encoder", n, cut_faces, picture.rgb, faces.boxes)
        timed("embedding, one by one", 1, encode, crops[:1])
        timed("embedding, sixteen at a time", 16, encode, crops[:1].repeat(16, 0)) if len(took["quality"]) % 6 == 0 else None
    return {part: statistics.median(times[min(3, len(times) - 1) :]) for part, times in took.items()}


def main(clips):
    pin()
    if not clips:
        from face2nb.media.demo import demo_clip

        clips = [demo_clip()]
    tables = {str(clip).rpartition("/")[2]: measure(clip) for clip in clips}
    print(f"{'ms a face':<32}" + "".join(f"{name[:24]:>26}" for name in tables))
    for part in max(tables.values(), key=len):
        print(f"{part:<32}" + "".join(f"{table.get(part, float('nan')):>26.2f}" for table in tables.values()))


if __name__ == "__main__":
    main(sys.argv[1:])
