"""The 32 colours of CamVid's own label images, grouped into the 11 classes that are scored.

Colours: Brostow, Fauqueur and Cipolla, *Semantic object classes in video*, PRL 2009, ``label_colors.txt``. Groups:
those of Sturgess et al., BMVC 2009, as SegNet's annotations have them.
"""

from evaluation.classes import CAMVID

_GROUPS = {
    "sky": ((128, 128, 128),),
    # bridge, building, wall, tunnel, archway
    "building": ((0, 128, 64), (128, 0, 0), (64, 192, 0), (64, 0, 64), (192, 0, 128)),
    # column or pole, traffic cone
    "pole": ((192, 192, 128), (0, 0, 64)),
    # road, lane markings for and not for driving
    "road": ((128, 64, 128), (128, 0, 192), (192, 0, 64)),
    # sidewalk, parking block, road shoulder
    "pavement": ((0, 0, 192), (64, 192, 128), (128, 128, 192)),
    # tree, other vegetation
    "tree": ((128, 128, 0), (192, 192, 0)),
    # sign or symbol, other text, traffic light
    "sign": ((192, 128, 128), (128, 128, 64), (0, 64, 64)),
    "fence": ((64, 64, 128),),
    # car, SUV or pickup, truck or bus, train, other moving
    "car": ((64, 0, 128), (64, 128, 192), (192, 128, 192), (192, 64, 128), (128, 64, 64)),
    # pedestrian, child, cart or luggage or pram, animal
    "pedestrian": ((64, 64, 0), (192, 128, 64), (64, 0, 192), (64, 128, 64)),
    # bicyclist, motorcycle or scooter
    "bicyclist": ((0, 128, 192), (192, 0, 192)),
    "void": ((0, 0, 0),),
}
CAMVID_COLOURS = {colour: label.id for label in CAMVID.labels for colour in _GROUPS[label.name]}
"""From colour to id."""
