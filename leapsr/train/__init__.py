"""Training: a configuration and photos in, a folder with the trained model out.

Each module imports only those above it::

    config        the fields of a run, checked
    recipes       named configurations
    callbacks     who is told how a run is going
    labels        which samples ask for a bad image
    shard_checks  whether shards fit the run
    ema           averaged weights
    optimizers    AdamW and Muon
    checkpoints   states of a run on the disk
    batches       from photos to batches
    networks      the networks of a run and their first weights
    validation    scores and pictures of held-out photos
    accelerator   device, precision and processes
    loop          the training loop
    launch        a run, put together and started
    api           train_model, which Python and the command line call
"""
