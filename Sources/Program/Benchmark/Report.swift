package import Tensor

/// One measured figure.
package struct Figure: Sendable, Encodable {
    /// What was measured: "decode", "prefill", …
    package var group: String
    /// Within its group: "batch 16".
    package var name: String
    package var value: Double
    /// "tokens/s", "× real time", …
    package var unit: String
    /// Share of the machine's limit that `limit` names, measured right before and after.
    package var share: Double?
    /// "bandwidth", "multiply-adds", …
    package var limit: String?
    /// What this project wants `share` to be at least, or `value` where there is no share.
    package var goal: Double?
    /// Whether the figure is better the smaller it is.
    package var wantsLess = false

    package init(
        _ group: String, _ name: String, _ value: Double, _ unit: String, share: Double? = nil, of limit: String? = nil,
        goal: Double? = nil, wantsLess: Bool = false
    ) {
        (self.group, self.name, self.value, self.unit) = (group, name, value, unit)
        (self.share, self.limit, self.goal, self.wantsLess) = (share, limit, goal, wantsLess)
    }

    /// nil without a goal.
    package var reached: Bool? {
        goal.map { wantsLess ? (share ?? value) <= $0 : (share ?? value) >= $0 }
    }
}

/// What a run of the benchmark found.
package struct Report: Sendable, Encodable {
    /// The processor's name.
    package var processor: String
    package var threads: Int
    /// The instruction set of the kernels.
    package var kernels: String
    package var model: String
    package var profile: String
    package var figures: [Figure] = []

    package init(processor: String, threads: Int, kernels: String, model: String, profile: String) {
        (self.processor, self.threads, self.kernels) = (processor, threads, kernels)
        (self.model, self.profile) = (model, profile)
    }
}

extension Figure {
    /// The machine's limits themselves, at their best.
    package static func limits(_ limits: MachineLimits) -> [Figure] {
        [
            Figure("machine", "reads from memory", limits.best(.bandwidth) / 1e9, "GB/s"),
            Figure("machine", "float32 multiply-adds", limits.best(.multiplyAdds) / 1e9, "GFLOP/s"),
            Figure("machine", "int8 products", limits.best(.integerProducts) / 1e9, "GOP/s"),
        ]
    }
}
