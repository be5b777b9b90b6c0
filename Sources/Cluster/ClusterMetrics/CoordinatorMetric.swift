package import MetricSnapshots

/// The metrics of a coordinator. Docs/Guide/Metrics.md has them, too, and a test compares the two.
package enum CoordinatorMetric {
    // MARK: totals, which the journal keeps

    package static let tokensSampled = MetricDefinition(
        "orchestrion_tokens_sampled_total", .counter, unit: "tokens", label: "level",
        "New tokens that were journaled; those that are sampled again count again.")
    package static let windowsCompleted = MetricDefinition(
        "orchestrion_windows_completed_total", .counter, unit: "windows", label: "level",
        "Windows of which all tokens were journaled.")
    package static let chunksJournaled = MetricDefinition(
        "orchestrion_chunks_journaled_total", .counter, unit: "chunks",
        "Chunks of tokens that brought something new, also those that are compared with another machine's.")
    package static let leasesGranted = MetricDefinition(
        "orchestrion_leases_granted_total", .counter, unit: "leases", label: "level",
        "Windows that were handed to a worker.")
    package static let leasesLost = MetricDefinition(
        "orchestrion_leases_lost_total", .counter, unit: "leases", label: "reason",
        "Leases that ended before their window was complete, by reason.")
    package static let windowFailures = MetricDefinition(
        "orchestrion_window_failures_total", .counter, unit: "failures", label: "kind",
        "What is held against windows: reported by a worker, crashed alone, or suspected of a crash beside others.")
    package static let windowsCompared = MetricDefinition(
        "orchestrion_windows_compared_total", .counter, unit: "windows",
        "Windows that several machines sample, to compare them.")
    package static let machinesConvicted = MetricDefinition(
        "orchestrion_machines_convicted_total", .counter, unit: "machines",
        "Machines that were found to give wrong tokens.")
    package static let songsSubmitted = MetricDefinition(
        "orchestrion_songs_submitted_total", .counter, unit: "songs", "Songs that were taken on.")
    package static let songsRefused = MetricDefinition(
        "orchestrion_songs_refused_total", .counter, unit: "songs", "Songs that were not taken on.")
    package static let songsEnded = MetricDefinition(
        "orchestrion_songs_ended_total", .counter, unit: "songs", label: "state",
        "Songs that finished, failed or were cancelled; one that is resumed may end again.")
    package static let songsParked = MetricDefinition(
        "orchestrion_songs_parked_total", .counter, unit: "songs",
        "Songs that were parked, because a window failed on three machines that work otherwise.")
    package static let songsResumed = MetricDefinition(
        "orchestrion_songs_resumed_total", .counter, unit: "songs", "Songs that somebody let go on.")
    package static let songsRemoved = MetricDefinition(
        "orchestrion_songs_removed_total", .counter, unit: "songs", "Songs that were removed with their files.")
    package static let peersRefused = MetricDefinition(
        "orchestrion_peers_refused_total", .counter, unit: "refusals",
        "Connections, workers and clients that were refused; each time counts.")
    package static let messagesRefused = MetricDefinition(
        "orchestrion_messages_refused_total", .counter, unit: "messages", label: "reason",
        "Messages that were dropped: damaged on their way, or of no protocol that is spoken here.")
    package static let enginesDied = MetricDefinition(
        "orchestrion_engines_died_total", .counter, unit: "engines", label: "ending",
        "Engines of workers whose supervisor told how they ended: by a signal, by themselves, or hung.")
    package static let bytesUploaded = MetricDefinition(
        "orchestrion_upload_bytes_total", .counter, unit: "bytes", "Bytes of files that clients sent.")

    /// In the journal, so that they outlive the process and the songs.
    package static let totals = [
        tokensSampled, windowsCompleted, chunksJournaled, leasesGranted, leasesLost, windowFailures, windowsCompared,
        machinesConvicted, songsSubmitted, songsRefused, songsEnded, songsParked, songsResumed, songsRemoved,
        peersRefused, messagesRefused, enginesDied, bytesUploaded,
    ]

    // MARK: how long things take, since the coordinator began

    package static let acknowledgement = MetricDefinition(
        "orchestrion_chunk_acknowledgement_seconds", .histogram, unit: "seconds", bounds: MetricRange.moments,
        "From taking a message in to the acknowledgement of tokens that it led to, which waits for the journal.")
    package static let commit = MetricDefinition(
        "orchestrion_journal_commit_seconds", .histogram, unit: "seconds", bounds: MetricRange.moments,
        "Writing the records of one turn to the disk.")
    package static let turn = MetricDefinition(
        "orchestrion_coordinator_turn_seconds", .histogram, unit: "seconds", bounds: MetricRange.moments,
        "A turn of the coordinator's loop, from messages taken in to answers sent.")
    package static let preparation = MetricDefinition(
        "orchestrion_preparation_seconds", .histogram, unit: "seconds", bounds: MetricRange.jobs,
        "Encoding what a song starts from.")
    package static let decoding = MetricDefinition(
        "orchestrion_decoding_seconds", .histogram, unit: "seconds", bounds: MetricRange.jobs,
        "One job that decodes or joins tokens or writes a song's files.")

    package static let histograms = [acknowledgement, commit, turn, preparation, decoding]

    // MARK: how things are

    package static let songs = MetricDefinition(
        "orchestrion_songs", .gauge, unit: "songs", label: "state", "Songs that were not removed, by state.")
    package static let songsWaiting = MetricDefinition(
        "orchestrion_songs_waiting", .gauge, unit: "songs",
        "Songs held up by what is no fault of theirs, such as a disk or a model's folder.")
    package static let songsDamaged = MetricDefinition(
        "orchestrion_songs_damaged", .gauge, unit: "songs",
        "Finished songs of which a file is not as it was written.")
    package static let songsDoubtful = MetricDefinition(
        "orchestrion_songs_doubtful", .gauge, unit: "songs",
        "Finished songs with tokens of a machine that gives wrong ones, which no other machine compared.")
    package static let workers = MetricDefinition(
        "orchestrion_workers", .gauge, unit: "workers", label: "state",
        "Workers: busy with windows, idle, set aside with their machine, drained or about to leave (whatever they still have), or "
            + "absent, which may come back to their leases."
    )
    package static let slots = MetricDefinition(
        "orchestrion_worker_slots", .gauge, unit: "slots", "Windows that all connected workers run at a time.")
    package static let slotsBusy = MetricDefinition(
        "orchestrion_worker_slots_busy", .gauge, unit: "slots",
        "Slots that have a window, or one that is prefilled ahead.")
    package static let windowsPending = MetricDefinition(
        "orchestrion_windows_pending", .gauge, unit: "windows", label: "level",
        "Windows of songs that go on which are not complete and which no worker has.")
    package static let windowsReady = MetricDefinition(
        "orchestrion_windows_ready", .gauge, unit: "windows", label: "level",
        "Pending windows that a worker could begin now: what more slots would be used for.")
    package static let windowsLeased = MetricDefinition(
        "orchestrion_windows_leased", .gauge, unit: "windows",
        "Leases that run: windows that workers have, where one with a copy counts twice.")
    package static let setAside = MetricDefinition(
        "orchestrion_machines_set_aside", .gauge, unit: "machines", "Machines that get no windows just now.")
    package static let troubles = MetricDefinition(
        "orchestrion_troubles", .gauge, unit: "troubles",
        "What holds the coordinator up, or soon will; orchestrion status names it.")
    package static let journalBytes = MetricDefinition(
        "orchestrion_journal_bytes", .gauge, unit: "bytes", "What the journal takes, with its write-ahead log.")
    package static let diskFree = MetricDefinition(
        "orchestrion_disk_free_bytes", .gauge, unit: "bytes", "Room on the disk of the state.")
    package static let diskSize = MetricDefinition(
        "orchestrion_disk_bytes", .gauge, unit: "bytes", "The whole disk of the state.")
    package static let quota = MetricDefinition(
        "orchestrion_quota_bytes", .gauge, unit: "bytes", "What --quota lets the state take; absent without it.")
    package static let used = MetricDefinition(
        "orchestrion_state_bytes", .gauge, unit: "bytes",
        "What the state takes, as it was looked at last; absent without --quota.")
    package static let connections = MetricDefinition(
        "orchestrion_connections", .gauge, unit: "connections", "TCP connections that are open.")
    package static let connectionLimit = MetricDefinition(
        "orchestrion_connections_limit", .gauge, unit: "connections", "How many there may be.")
    package static let turnedAway = MetricDefinition(
        "orchestrion_connections_turned_away_total", .counter, unit: "connections",
        "Connections that were hung up on because there were too many, since the coordinator began.")
    package static let copyBehind = MetricDefinition(
        "orchestrion_copy_behind_seconds", .gauge, unit: "seconds",
        "How much of the journal's past is not in the copy of the state; absent without --copy-to.")
    package static let copyPending = MetricDefinition(
        "orchestrion_copy_pending_bytes", .gauge, unit: "bytes",
        "Files of the state that are not in its copy yet; absent without --copy-to.")
    package static let copyBytes = MetricDefinition(
        "orchestrion_copy_bytes_total", .counter, unit: "bytes",
        "What was sent to the copy of the state since the coordinator began; absent without --copy-to.")
    package static let copyFailures = MetricDefinition(
        "orchestrion_copy_failures_total", .counter, unit: "failures",
        "How often the copy of the state could not be kept, since the coordinator began; absent without --copy-to.")

    // MARK: the process

    package static let build = MetricDefinition(
        "orchestrion_build_info", .gauge, unit: "info", label: "version", "The program; its value is 1.")
    package static let start = MetricDefinition(
        "orchestrion_start_time_seconds", .gauge, unit: "seconds", "When the coordinator began, since 1970.")
    package static let memory = MetricDefinition(
        "orchestrion_coordinator_memory_bytes", .gauge, unit: "bytes", "Memory that the coordinator's process has.")
    package static let processor = MetricDefinition(
        "orchestrion_coordinator_cpu_seconds_total", .counter, unit: "seconds",
        "Processor time that the coordinator's process had.")

    package static let gauges = [
        songs, songsWaiting, songsDamaged, songsDoubtful, workers, slots, slotsBusy, windowsPending, windowsReady,
        windowsLeased, setAside, troubles,
        journalBytes, diskFree, diskSize, quota, used, connections, connectionLimit, turnedAway, copyBehind,
        copyPending,
        copyBytes, copyFailures, build, start, memory,
        processor,
    ]

    /// Of a coordinator's snapshot, those of its workers among them.
    package static let all = totals + histograms + gauges + WorkerMetric.all
}

/// Ranges of histograms.
package enum MetricRange {
    /// Seconds, for what takes moments: steps, commits, turns.
    package static let moments = [
        0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30,
    ]
    /// Seconds, for what is waited for.
    package static let jobs = [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000, 3000]
    /// Rows of a step.
    package static let rows: [Double] = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]
}
