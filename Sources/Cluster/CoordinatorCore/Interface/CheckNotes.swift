import SongPlan

extension Coordinator {
    /// What people should know of comparing machines: who is under suspicion, and who gave wrong tokens.
    package var checkNotes: [String] {
        var notes: [String] = []
        let disputed = disputants.sorted()
        if !disputed.isEmpty {
            notes.append(
                "machines \(disputed.joined(separator: " and ")) give different tokens, and nothing says which is wrong: they "
                    + "get nothing more until another machine joins and decides, or you look after one and say "
                    + "orchestrion workers release MACHINE for the sound one")
        }
        for (machine, reason) in truth.verdicts.sorted(by: { $0.key < $1.key }) {
            notes.append(
                "machine \(machine) gave wrong tokens and gets no more: \(reason); orchestrion workers release \(machine) "
                    + "trusts it again")
        }
        return notes
    }

    /// Whether windows should be compared, and there is only one machine.
    package var lacksSecondMachine: Bool {
        settings.verifyShare > 0 && Set(pool.connected.map { pool.machine(of: $0.id) }).count == 1
    }
}
