import numpy as np
import pytest
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

from labels.geodesic import Graph, cells, graph, nearest


def points(height: int, width: int, count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    places = np.random.default_rng(seed).choice(height * width, count, replace=False)
    return (places % width).astype(np.int32), (places // width).astype(np.int32)


def exact(cost: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Shortest way from any point to each pixel, a point's own cost first, by a graph of all pixels."""
    height, width = cost.shape
    number = np.arange(height * width).reshape(height, width)
    rows, columns, lengths = [], [], []
    for dy, dx in ((0, 1), (1, 0), (1, 1), (1, -1)):
        start = np.s_[: height - dy, max(-dx, 0) : width - max(dx, 0)]
        end = np.s_[dy:, max(dx, 0) : width - max(-dx, 0)]
        rows.append(number[start].ravel())
        columns.append(number[end].ravel())
        lengths.append(np.hypot(dx, dy) * 0.5 * (cost[start] + cost[end]).ravel())
    ways = coo_array((np.concatenate(lengths), (np.concatenate(rows), np.concatenate(columns))), 2 * (number.size,))
    distances = dijkstra(ways.tocsr(), directed=False, indices=number[y, x]) + cost[y, x][:, None]
    return distances.min(axis=0).reshape(height, width)


def as_matrix(ways: Graph) -> coo_array:
    count, most = ways.neighbours.shape
    known = np.arange(most) < ways.degree[:, None]
    owner = np.repeat(np.arange(count), most).reshape(count, most)
    return coo_array((ways.lengths[known].astype(float), (owner[known], ways.neighbours[known])), (count, count))


def test_distances_in_a_flat_image_are_known() -> None:
    x, y = np.array([4], np.int32), np.array([5], np.int32)
    found = cells(np.full((12, 20), 0.5, np.float32), x, y)
    rows, columns = np.indices((12, 20))
    across, down = np.abs(columns - 4), np.abs(rows - 5)
    wanted = 0.5 * (1 + np.maximum(across, down) + (np.sqrt(2) - 1) * np.minimum(across, down))
    np.testing.assert_allclose(found.distance, wanted, rtol=1e-5)
    assert not found.owner.any()


def test_ways_are_the_shortest() -> None:
    cost = np.random.default_rng(1).gamma(0.5, 0.2, (50, 70)).astype(np.float32) + np.float32(0.01)
    x, y = points(50, 70, 30)
    wanted = exact(cost, x, y)
    rounds = [cells(cost, x, y, n).distance for n in (1, 2, 20)]
    np.testing.assert_allclose(rounds[2], wanted, rtol=1e-4)
    assert ((rounds[1] >= wanted * 0.9999) & (rounds[0] >= rounds[1])).all()
    shares = [(each < 1.0001 * wanted).mean() for each in rounds]
    assert shares[1] > 0.8 and shares[0] < shares[1] - 0.2


def test_cells_walk_round_walls() -> None:
    cost = np.full((40, 40), 0.01, np.float32)
    cost[:30, 20] = 5.0
    x, y = np.array([18, 38], np.int32), np.array([5, 38], np.int32)
    owner = cells(cost, x, y).owner
    assert owner[5, 22] == 1 and owner[5, 2] == 0 and owner[35, 2] == 0


def test_a_graph_has_the_shortest_ways_over_every_border() -> None:
    cost = np.random.default_rng(2).uniform(0.01, 1, (30, 40)).astype(np.float32)
    found = cells(cost, *points(30, 40, 25))
    ways = as_matrix(graph(cost, *found, 25)).toarray()
    wanted = np.zeros((25, 25))
    for a, b in ((np.s_[:, :-1], np.s_[:, 1:]), (np.s_[:-1], np.s_[1:])):
        lengths = found.distance[a] + found.distance[b] + 0.5 * (cost[a] + cost[b])
        for i, j, length in zip(found.owner[a].ravel(), found.owner[b].ravel(), lengths.ravel()):
            if i != j and (wanted[i, j] == 0 or length < wanted[i, j]):
                wanted[i, j] = wanted[j, i] = length
    np.testing.assert_allclose(ways, wanted, rtol=1e-6)


def test_of_more_neighbours_the_nearest_are_kept() -> None:
    """A strip along forty others, each a pixel wide."""
    owner = np.stack([np.zeros(40), 1 + np.arange(40)]).astype(np.int32)
    distance = np.stack([np.zeros(40), np.random.default_rng(4).permutation(40)]).astype(np.float32)
    ways = graph(np.ones((2, 40), np.float32), owner, distance, 41)
    assert ways.degree[0] == 32 and ways.degree[1:].max() == 3
    assert set(ways.neighbours[0].tolist()) == set((1 + np.argsort(distance[1])[:32]).tolist())
    np.testing.assert_array_equal(ways.lengths[0], distance[1][ways.neighbours[0] - 1] + 1)


@pytest.mark.parametrize("most", [1, 12, 80])
def test_the_nearest_points_are_dijkstras(most: int) -> None:
    cost = np.random.default_rng(3).gamma(0.5, 0.2, (60, 80)).astype(np.float32) + np.float32(0.01)
    found = cells(cost, *points(60, 80, 80))
    ways = graph(cost, *found, 80)
    sources = np.array([0, 17, 17, 79], np.int32)
    near = nearest(ways, sources, most)
    wanted = dijkstra(as_matrix(ways).tocsr(), indices=sources)
    for s, source in enumerate(sources):
        # a point that another one's way runs over more cheaply than its own pixel costs has no cell, and is none's
        count = min(most, np.isfinite(wanted[s]).sum())
        assert near.found[s] == count and (count == most or 60 < count < 80)
        points_, distances = near.points[s, :count], near.distances[s, :count]
        np.testing.assert_allclose(distances, np.sort(wanted[s])[:count], rtol=1e-5)
        np.testing.assert_allclose(wanted[s][points_], distances, rtol=1e-5)
        assert points_[0] == source and len(set(points_)) == count


def test_a_graph_in_pieces_has_fewer_nearest() -> None:
    neighbours, lengths = np.zeros((5, 32), np.int32), np.ones((5, 32), np.float32)
    neighbours[[0, 1, 3, 4], 0] = [1, 0, 4, 3]
    ways = Graph(neighbours, lengths, np.array([1, 1, 0, 1, 1], np.int32))
    near = nearest(ways, np.arange(5, dtype=np.int32), 4)
    assert near.found.tolist() == [2, 2, 1, 2, 2]
    assert near.points[3, :2].tolist() == [3, 4] and near.distances[3, 1] == 1
