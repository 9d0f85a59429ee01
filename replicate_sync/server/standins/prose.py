"""The prose that the text models' words are taken from."""

TEXT = """
The river comes down from the hills in the night and in the morning it is brown and fast. It carries
leaves, and now and then a branch, and it does not care about the bridge. By noon the water is slow
again. The children go down to the bank with their shoes in their hands, and the old man who keeps
the boats tells them that the river was wider when he was young. Nobody believes him, but everybody
likes the way he tells it.

The train leaves at ten past six. It is a small train with two carriages and a bell, and it goes
along the river as far as the mill, and then it climbs. In the winter the windows are white and you
can draw on them with a finger. In the summer they are open, and the smell of cut grass comes in,
and somebody always has a basket of cherries. The man who checks the tickets knows every name on the
line. He says that a train is a village that happens to move.

A garden is never finished. In March you think that nothing will come up, and in June you cannot
find the path. The beans climb over the fence, the roses climb over the beans, and the cat sleeps
under all of it. Water it in the evening, when the stones are still warm. Talk to it, if you like;
the neighbours do. The tomatoes want sun, the salad wants shade, and the gardener wants a chair.

The weather in the valley has a mind of its own. It rains on one side of the street and not on the
other. In the morning the mist lies on the fields like milk in a saucer, and by nine it is gone, and
nobody has seen it go. When the wind comes from the east, the doors close by themselves and the dogs
want to stay in. When it comes from the west, it smells of the sea, although the sea is two days
away.

There is a café at the station, and in the café there is a clock that is four minutes fast. It has
always been four minutes fast. People who live here know it and walk slowly; people who do not live
here run, and then they have time for a coffee. Zoë, who works behind the counter, says that the
clock is the best waiter she ever had. She bakes a cake with apples on Fridays — a crème brûlée,
too, when there is cream — and by four o\u2019clock there is nothing left of it.

In the evening the lamps are lit along the river, one after the other, and the water carries their
light as far as the bridge. The last train comes in with its bell. The old man ties up the boats and
counts them, and counts them again. Then it is quiet, and you can hear the garden grow: a leaf, a
drop of water, the cat. Somebody plays a waltz on a piano, not very well, with the window open.
Tomorrow it will rain, or it will not. The river knows, and the river keeps it to itself.

The library stands next to the school, and it smells of paper and floor polish. There are books
about the stars, about bees, about people who walked to the end of the world and came home again
with a stone in a pocket. You may take three of them and keep them for a month. The woman at the
desk writes the date with a pencil, and she never asks why you read what you read. When it is cold,
she leaves the stove on, and the room fills with people who want to be warm and find, after a while,
that they are reading.
"""
