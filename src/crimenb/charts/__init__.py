"""The drawings: frames in, Altair charts out. Nothing here touches a file or the network."""

from crimenb.warm import altair_short_cuts as altair_short_cuts  # before Altair is imported anywhere
