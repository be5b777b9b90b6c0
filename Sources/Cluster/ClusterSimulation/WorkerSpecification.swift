/// A worker as planning sees it.
package struct WorkerSpecification: Sendable, Hashable {
    /// Windows that it runs at the same time.
    package var slots: Int
    /// Tokens a second of all slots together when all are busy.
    package var tokensPerSecond: Double
    /// Tokens a second of a window that has the worker for itself.
    package var alone: Double
    /// Seconds from the start at which it comes, and at which it is lost; nil when it stays.
    package var comes: Double
    package var goes: Double?

    /// - Parameter alone: by default an equal share of the whole.
    package init(
        slots: Int = 1, tokensPerSecond: Double, alone: Double? = nil, comes: Double = 0, goes: Double? = nil
    ) {
        self.slots = slots
        self.tokensPerSecond = tokensPerSecond
        self.alone = min(tokensPerSecond, alone ?? tokensPerSecond / Double(slots))
        self.comes = comes
        self.goes = goes
    }

    /// Tokens a second of each of `busy` windows. A step takes a time of its own and one for each row.
    package func speedOfSlot(busy: Int) -> Double {
        guard slots > 1, busy > 1 else { return slots > 1 ? alone : tokensPerSecond }
        let perRow = (Double(slots) / tokensPerSecond - 1 / alone) / Double(slots - 1)
        return 1 / (1 / alone + perRow * Double(busy - 1))
    }
}

/// A list of workers that cannot be read.
package struct WorkerSpecificationError: Error, CustomStringConvertible {
    package var description: String
}

extension [WorkerSpecification] {
    /// Reads `COUNTxSPEED`, in units of a usual worker, or `COUNT@SPEED`, in tokens a second, or `COUNT` for usual ones;
    /// then `/SLOTS` where a worker runs more than one window. `COUNT@ALONE-SPEED/SLOTS` says what a lone window gets,
    /// too. Several are separated by commas: `8,2x0.1`, `4@2500`, `3@900-2500/8`.
    ///
    /// - Parameter usual: tokens a second of a worker of speed 1.
    package init(parsing text: String, usual: Double) throws(WorkerSpecificationError) {
        self = []
        for part in text.split(separator: ",") { self += try Self.group(part, usual: usual) }
        guard !isEmpty else { throw Self.wrong(text) }
        guard count <= 100_000 else { throw WorkerSpecificationError(description: "\(count) workers are too many") }
    }

    private static func group(_ text: Substring, usual: Double) throws(WorkerSpecificationError) -> Self {
        let halves = text.split(separator: "/", omittingEmptySubsequences: false)
        let sign = halves[0].firstIndex { $0 == "x" || $0 == "@" }
        guard halves.count <= 2, let count = Int(halves[0][..<(sign ?? halves[0].endIndex)]),
            (1...100_000).contains(count),
            let slots = halves.count == 2 ? Int(halves[1]) : 1, (1...256).contains(slots)
        else { throw wrong(text) }
        let unit = sign.map { text[$0] } == "@" ? 1 : usual
        let written = sign.map { halves[0][text.index(after: $0)...] } ?? "1"
        let speeds = written.split(separator: "-", omittingEmptySubsequences: false).map { Double($0) ?? 0 }
        guard (1...2).contains(speeds.count), speeds.allSatisfy({ (1e-6...1e9).contains($0) }),
            speeds[0] <= speeds.last!,
            speeds.count == 1 || speeds[0] * Double(slots) >= speeds[1]
        else { throw wrong(text) }
        let alone = speeds.count == 2 ? speeds[0] * unit : nil
        return Array(
            repeating: WorkerSpecification(slots: slots, tokensPerSecond: speeds.last! * unit, alone: alone),
            count: count)
    }

    private static func wrong(_ text: some StringProtocol) -> WorkerSpecificationError {
        WorkerSpecificationError(
            description:
                "\(text) is not a list of workers; examples: 8,2x0.1 (eight usual ones and two of a tenth of "
                + "their speed), 4@2500 (tokens a second), 3@900-2500/8 (8 slots, 900 for a lone window)")
    }

    /// Tokens a second of all together.
    package var tokensPerSecond: Double { reduce(0) { $0 + $1.tokensPerSecond } }
}
