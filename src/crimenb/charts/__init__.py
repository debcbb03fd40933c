"""The drawings: frames in, Altair charts out. Nothing here touches a file or the network."""
