; Lets jepsen.tests.kafka judge a history.edn: a line for each kind of error that it finds, with whether it allows it where clients assign.
(require '[clojure.edn :as edn]
         '[clojure.java.io :as io]
         '[jepsen.history :as history]
         '[jepsen.tests.kafka :as kafka])

(let [path (first *command-line-args*)
      operations (with-open [lines (io/reader path)] (mapv edn/read-string (line-seq lines)))
      {:keys [errors]} (kafka/analysis (history/history (mapv history/op operations)) {})
      allowed? (kafka/allowed-error-types {:sub-via #{:assign}})]
  (println "operations" (count operations))
  (doseq [error (sort (keys errors))]
    (println (if (allowed? error) "allowed" "error") (name error)))
  (shutdown-agents))
