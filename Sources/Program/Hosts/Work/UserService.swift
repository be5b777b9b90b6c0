/// A unit of the user's own systemd that keeps a part running, also after the machine has been started again.
struct UserService: Sendable, Equatable {
    let text: String

    /// What the names of a cluster's units begin with.
    static func prefix(_ cluster: String) -> String { "orchestrion-\(cluster)" }

    /// - Parameters:
    ///   - unit: the part, such as worker-1.
    ///   - state: of the host. A home that several machines share has the units of all of them.
    init(unit: String, cluster: String, on state: HostState) {
        let run = "\(state.folder)/run/\(state.name)"
        text = """
            [Unit]
            Description=Orchestrion \(cluster): \(unit)
            ConditionHost=\(state.name)

            [Service]
            ExecStart=/bin/sh \(Self.quoted("\(run)/keep.sh")) \(Self.quoted(run)) \(unit)
            Restart=always
            RestartSec=5
            KillMode=mixed
            TimeoutStopSec=60

            [Install]
            WantedBy=default.target

            """
    }

    /// A word of a command line as systemd reads it.
    static func quoted(_ text: String) -> String {
        let inner = text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("%", with: "%%")
            .replacing("$", with: "$$")
        return "\"\(inner)\""
    }
}
